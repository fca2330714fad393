/* The ACPI tables: what they say, and that ACPICA's compiler has nothing to say about them. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/bytes.h"
#include "engine/kvm/common/layout.h"
#include "engine/kvm/x86/acpi.h"
#include "engine/kvm/x86/aml.h"
#include "engine/kvm/x86/topology.h"

struct machine {
	struct mv_machine_spec spec;
	struct mv_memory memory;
	uint64_t rsdp;
};

/* Four serial ports, a panic device. */
#define DEVICES 5

static void add_devices(struct mv_machine_spec *spec, uint32_t count)
{
	spec->devices = calloc(DEVICES, sizeof(*spec->devices));
	assert_non_null(spec->devices);
	spec->device_count = count;
	for (uint32_t i = 0; i < DEVICES; i++) {
		spec->devices[i].kind = i < 4 ? MV_DEVICE_SERIAL : MV_DEVICE_PVPANIC;
		spec->devices[i].serial.index = i;
	}
}

static void build(struct machine *m, uint32_t sockets, uint32_t cores, uint32_t threads, uint32_t device_count)
{
	struct mv_error *err = NULL;

	memset(m, 0, sizeof(*m));
	mv_machine_spec_init(&m->spec);
	m->spec.sockets = sockets;
	m->spec.cores = cores;
	m->spec.threads = threads;
	m->spec.vcpus = sockets * cores * threads;
	add_devices(&m->spec, device_count);
	assert_int_equal(mv_memory_create(&m->memory, MV_MACHINE_MIN_MEMORY, false, false, NULL), 0);
	if (mv_acpi_build(&m->spec, &m->memory, &m->rsdp, &err) < 0)
		fail_msg("%s", err->message);
}

static void done(struct machine *m)
{
	mv_memory_release(&m->memory);
	free(m->spec.devices);
}

static const uint8_t *table(struct machine *m, const char *signature, size_t *size)
{
	const uint8_t *t = mv_acpi_table(&m->memory, signature, size);

	assert_non_null(t);
	return t;
}

static uint8_t sum(const uint8_t *p, size_t size)
{
	uint8_t s = 0;

	for (size_t i = 0; i < size; i++)
		s = (uint8_t)(s + p[i]);
	return s;
}

static void finds_every_table_with_its_checksum(void **state)
{
	static const char *const signatures[] = { "XSDT", "FACP", "APIC", "MCFG", "DSDT" };
	struct machine m;
	const uint8_t *t;
	size_t size;

	(void)state;
	build(&m, 1, 2, 1, DEVICES);
	assert_int_equal(m.rsdp, MV_ACPI_RSDP);
	t = table(&m, "RSD PTR ", &size);
	assert_memory_equal(t, "RSD PTR ", 8);
	assert_int_equal(sum(t, 20), 0);
	assert_int_equal(sum(t, 36), 0);
	assert_int_equal(t[15], 2);
	for (size_t i = 0; i < MV_ARRAY_SIZE(signatures); i++) {
		t = table(&m, signatures[i], &size);
		assert_memory_equal(t, signatures[i], 4);
		assert_int_equal(sum(t, size), 0);
	}
	t = table(&m, "FACS", &size);
	assert_int_equal(size, 64);
	assert_int_equal((uintptr_t)t % 64, 0);
	assert_null(mv_acpi_table(&m.memory, "HPET", &size));
	done(&m);
}

static void describes_the_fixed_hardware(void **state)
{
	struct machine m;
	const uint8_t *t;
	uint32_t flags;
	size_t size;

	(void)state;
	build(&m, 1, 1, 1, 0);
	t = table(&m, "FACP", &size);
	assert_int_equal(mv_get_le16(t + 46), MV_GSI_SCI);
	assert_int_equal(mv_get_le32(t + 48), 0); /* no SMI command: already in ACPI mode */
	assert_int_equal(mv_get_le32(t + 56), MV_PORT_PM_BASE);
	assert_int_equal(mv_get_le32(t + 64), MV_PORT_PM_BASE + 4);
	assert_int_equal(mv_get_le32(t + 76), MV_PORT_PM_TIMER);
	assert_int_equal(mv_get_le32(t + 80), MV_PORT_PM_GPE0);
	flags = mv_get_le32(t + 112);
	assert_false(flags & 1u << 4); /* the power button is a fixed one */
	assert_true(flags & 1u << 8);  /* the timer has 32 bits */
	assert_true(flags & 1u << 10);
	assert_int_equal(mv_get_le64(t + 120), MV_PORT_PM_RESET);
	assert_int_equal(t[128], MV_PM_RESET_VALUE);
	t = table(&m, "MCFG", &size);
	assert_int_equal(mv_get_le64(t + 44), MV_ECAM_BASE);
	assert_int_equal(t[55], 0); /* last bus */
	done(&m);
}

/* Counts the processors, checking that each has the APIC id that its vCPU has. */
static void check_cpus(struct machine *m, unsigned *narrow, unsigned *wide, unsigned *nmis)
{
	size_t size;
	const uint8_t *t = table(m, "APIC", &size);

	*narrow = *wide = *nmis = 0;
	for (size_t at = 44; at < size; at += t[at + 1]) {
		assert_true(t[at + 1] >= 2 && at + t[at + 1] <= size);
		switch (t[at]) {
		case 0:
			assert_int_equal(t[at + 3], mv_topology_apic_id(&m->spec, t[at + 2]));
			assert_int_equal(mv_get_le32(t + at + 4), 1);
			++*narrow;
			break;
		case 9:
			assert_int_equal(mv_get_le32(t + at + 4),
					 mv_topology_apic_id(&m->spec, mv_get_le32(t + at + 12)));
			assert_int_equal(mv_get_le32(t + at + 8), 1);
			++*wide;
			break;
		case 4:
		case 10: ++*nmis; break;
		default: break;
		}
	}
}

static void lists_all_processors(void **state)
{
	struct machine m;
	unsigned narrow, wide, nmis;

	(void)state;
	build(&m, 1, 4, 1, 0);
	check_cpus(&m, &narrow, &wide, &nmis);
	assert_int_equal(narrow, 4);
	assert_int_equal(wide, 0);
	assert_int_equal(nmis, 1);
	done(&m);

	build(&m, 1024, 1, 1, DEVICES);
	check_cpus(&m, &narrow, &wide, &nmis);
	assert_int_equal(narrow, 255);
	assert_int_equal(wide, 769);
	assert_int_equal(nmis, 2);
	done(&m);

	/* Three threads take the room of four, so ids are sparse. */
	build(&m, 2, 50, 3, 0);
	check_cpus(&m, &narrow, &wide, &nmis);
	assert_int_equal(narrow + wide, 300);
	assert_true(wide > 45);
	done(&m);
}

static void overrides_the_timer_and_the_sci(void **state)
{
	struct machine m;
	const uint8_t *t;
	size_t size;
	unsigned found = 0;

	(void)state;
	build(&m, 1, 1, 1, 0);
	t = table(&m, "APIC", &size);
	for (size_t at = 44; at < size; at += t[at + 1]) {
		if (t[at] != 2)
			continue;
		found++;
		if (t[at + 3] == 0) {
			assert_int_equal(mv_get_le32(t + at + 4), 2);
		} else {
			assert_int_equal(t[at + 3], MV_GSI_SCI);
			assert_int_equal(mv_get_le32(t + at + 4), MV_GSI_SCI);
			assert_int_equal(mv_get_le16(t + at + 8), 0xd); /* level, active high */
		}
	}
	assert_int_equal(found, 2);
	done(&m);
}

static void swizzles_pci_interrupts(void **state)
{
	(void)state;
	assert_int_equal(mv_acpi_intx_gsi(1, 0), 17);
	assert_int_equal(mv_acpi_intx_gsi(4, 0), 16);
	assert_int_equal(mv_acpi_intx_gsi(31, 3), 18);
}

static void tells_too_little_memory(void **state)
{
	struct machine m = { 0 };
	struct mv_memory none = { .fd = -1 };
	struct mv_error *err = NULL;

	(void)state;
	mv_machine_spec_init(&m.spec);
	assert_int_equal(mv_acpi_build(&m.spec, &none, &m.rsdp, &err), -1);
	assert_int_equal(err->code, MV_ERR_CONFIG_UNSUPPORTED);
	mv_error_free(err);
}

static void aml_never_leaves_its_buffer(void **state)
{
	uint8_t room[65];

	(void)state;
	for (size_t capacity = 0; capacity <= 64; capacity++) {
		struct mv_aml a = { .data = room, .capacity = capacity };
		size_t device, resources;

		memset(room, 0xee, sizeof(room));
		device = mv_aml_open_device(&a, "DEV0");
		mv_aml_name_eisa_id(&a, "_HID", "PNP0C02");
		mv_aml_name_integer(&a, "_UID", UINT64_MAX);
		resources = mv_aml_open_resources(&a);
		mv_aml_memory(&a, 0xe0000000, 0x100000);
		mv_aml_close_resources(&a, resources);
		mv_aml_close(&a, device);
		assert_true(a.size <= capacity);
		assert_int_equal(room[capacity], 0xee);
		assert_int_equal(a.full, capacity < 54);
	}
}

/* ---- iasl ---- */

static bool have_iasl(void)
{
	return system("command -v iasl >/dev/null 2>&1") == 0;
}

static void write_file(const char *folder, const char *name, const void *data, size_t size)
{
	char path[1024];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

/* Runs a command in the folder and fails with its output. */
static void run(const char *folder, const char *command)
{
	char line[512], text[4096];
	size_t n;
	FILE *p;
	int status;

	snprintf(line, sizeof(line), "cd %s && (%s) 2>&1", folder, command);
	p = popen(line, "r");
	assert_non_null(p);
	n = fread(text, 1, sizeof(text) - 1, p);
	text[n] = '\0';
	while (fgetc(p) != EOF)
		;
	status = pclose(p);
	if (status != 0)
		fail_msg("%s: %s", command, text);
}

/* Takes the tables apart and puts them together again: the compiler must find no error, no warning and no remark in
 * what it reads, and the same bytes must come out. */
static void check_with_iasl(struct machine *m)
{
	static const char *const signatures[] = { "DSDT", "FACP", "APIC", "MCFG", "FACS", "XSDT" };
	char folder[] = "/tmp/moonvisor-acpi-XXXXXX";
	char command[512];

	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < MV_ARRAY_SIZE(signatures); i++) {
		const char *s = signatures[i];
		size_t size;
		const uint8_t *t = table(m, s, &size);

		snprintf(command, sizeof(command), "%s.aml", s);
		write_file(folder, command, t, size);
		snprintf(command, sizeof(command),
			 "iasl -p %s -d %s.aml && ! grep -iE 'error|warning|invalid|incorrect' %s.dsl", s, s, s);
		run(folder, command);
		snprintf(
			command, sizeof(command),
			"iasl -we -p again %s.dsl >%s.log; cat %s.log; "
			"grep -q ' 0 Errors, 0 Warnings, 0 Remarks' %s.log || grep -q 'Compilation successful' %s.log && "
			"! grep -E '[1-9][0-9]* (Errors|Warnings|Remarks)' %s.log",
			s, s, s, s, s, s);
		run(folder, command);
		/* The compiler leaves its own name in the header; all else is the same. */
		snprintf(command, sizeof(command), "cmp -i 36 %s.aml again.aml && cmp -n 4 %s.aml again.aml", s, s);
		if (strcmp(s, "FACS") != 0)
			run(folder, command);
		if (!strcmp(s, "DSDT"))
			run(folder, "iasl -we -vw 2009 -tc -p asc DSDT.dsl");
	}
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	assert_int_equal(system(command), 0);
}

static void iasl_finds_nothing(void **state)
{
	struct machine m;

	(void)state;
	if (!have_iasl()) {
		print_message("skip: no iasl (package acpica-tools)\n");
		skip();
	}
	build(&m, 1, 1, 1, 0);
	check_with_iasl(&m);
	done(&m);
	build(&m, 2, 2, 2, 1);
	check_with_iasl(&m);
	done(&m);
	build(&m, 300, 1, 1, DEVICES);
	check_with_iasl(&m);
	done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_every_table_with_its_checksum),
		cmocka_unit_test(describes_the_fixed_hardware),
		cmocka_unit_test(lists_all_processors),
		cmocka_unit_test(overrides_the_timer_and_the_sci),
		cmocka_unit_test(swizzles_pci_interrupts),
		cmocka_unit_test(tells_too_little_memory),
		cmocka_unit_test(aml_never_leaves_its_buffer),
		cmocka_unit_test(iasl_finds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
