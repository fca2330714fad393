/* A writer of AML (ACPI 6.4, chapter 20): objects are written in order into a buffer; an object that contains others is
 * opened and closed, and gets its length when it is closed. Too much data only sets `full`. */
#ifndef MV_KVM_X86_AML_H
#define MV_KVM_X86_AML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mv_aml {
	uint8_t *data; /* borrowed */
	size_t size;
	size_t capacity;
	bool full; /* something did not fit; what is there is useless */
};

/* Names are segments of exactly four characters ("_SB_"). */
size_t mv_aml_open_scope(struct mv_aml *a, const char *name);
size_t mv_aml_open_device(struct mv_aml *a, const char *name);
size_t mv_aml_open_package(struct mv_aml *a, uint8_t elements);
void mv_aml_close(struct mv_aml *a, size_t opened);

/* Name(name, ...): the value follows. */
void mv_aml_name(struct mv_aml *a, const char *name);
void mv_aml_integer(struct mv_aml *a, uint64_t value);
void mv_aml_string(struct mv_aml *a, const char *text);
void mv_aml_eisa_id(struct mv_aml *a, const char *id); /* three capital letters and four hexadecimal digits */
/* Name(name, value) in one. */
void mv_aml_name_integer(struct mv_aml *a, const char *name, uint64_t value);
void mv_aml_name_string(struct mv_aml *a, const char *name, const char *text);
void mv_aml_name_eisa_id(struct mv_aml *a, const char *name, const char *id);

/* Name(_CRS, ResourceTemplate { ... }): between opening and closing only resources. Limits are inclusive. */
size_t mv_aml_open_resources(struct mv_aml *a);
void mv_aml_close_resources(struct mv_aml *a, size_t opened);
void mv_aml_io(struct mv_aml *a, uint16_t base, uint8_t length);
void mv_aml_irq(struct mv_aml *a, unsigned irq); /* edge, active high */
void mv_aml_memory(struct mv_aml *a, uint32_t base, uint32_t length);
void mv_aml_bus_window(struct mv_aml *a, uint16_t first, uint16_t last);
void mv_aml_io_window(struct mv_aml *a, uint16_t first, uint16_t last);
void mv_aml_memory_window(struct mv_aml *a, uint32_t first, uint32_t last);

#endif
