/* How the content of a test host becomes objects. */
#ifndef MV_TEST_LOAD_H
#define MV_TEST_LOAD_H

#include "engine/conf/split.h"
#include "engine/test/driver.h"

struct mv_test_source {
	const char *path;         /* of the file; NULL: the built-in content */
	struct mv_xml_piece root; /* <node> */
};

/* What makes objects of one kind. */
struct mv_test_loader {
	const char *element;
	int (*load)(struct mv_test_host *host, const struct mv_test_source *source, const struct mv_xml_piece *piece,
		    struct mv_error **err);
};
/* In the order in which they are asked; ends with an empty one. In driver.c. */
extern const struct mv_test_loader mv_test_loaders[];

/* The text of an object, owned: the piece itself, or what the file in its attribute `file` has. NULL with *err. */
char *mv_test_piece(const struct mv_test_source *source, const struct mv_xml_piece *piece, struct mv_error **err);

int mv_test_load(struct mv_test_host *host, const char *xml, size_t len, const char *path, struct mv_error **err);
int mv_test_load_file(struct mv_test_host *host, const char *path, struct mv_error **err);

/* The built-in content: engine/test/content.c. */
extern const char mv_test_content[];

int mv_test_load_domain(struct mv_test_host *host, const struct mv_test_source *source,
			const struct mv_xml_piece *piece, struct mv_error **err);
int mv_test_load_interface(struct mv_test_host *host, const struct mv_test_source *source,
			   const struct mv_xml_piece *piece, struct mv_error **err);
int mv_test_load_network(struct mv_test_host *host, const struct mv_test_source *source,
			 const struct mv_xml_piece *piece, struct mv_error **err);
int mv_test_load_pool(struct mv_test_host *host, const struct mv_test_source *source, const struct mv_xml_piece *piece,
		      struct mv_error **err);
int mv_test_load_nodedev(struct mv_test_host *host, const struct mv_test_source *source,
			 const struct mv_xml_piece *piece, struct mv_error **err);

#endif
