/* Pages go back to the host here. Nothing the guest says is trusted to be RAM, and it is only the guest's own memory
 * that becomes zeros, so the worst a guest can do is to hurt itself. */
#include "engine/base/bytes.h"
#include "engine/kvm/virtio/balloon.h"

#define PAGE_SHIFT 12
#define NUMBERS 256

/* Neighbouring pages, up or down, are given back by one call to the kernel. */
struct run {
	uint64_t first, end; /* page numbers; nothing while they are equal */
};

static void give_back(struct mv_memory *mem, struct run *r)
{
	/* Refused outside RAM, and inside a huge page; both are no concern of the guest. */
	if (r->end > r->first)
		mv_memory_discard(mem, r->first << PAGE_SHIFT, (r->end - r->first) << PAGE_SHIFT);
	r->first = r->end = 0;
}

static void add_page(struct mv_memory *mem, struct run *r, uint64_t page)
{
	/* One page that is not RAM must not keep its neighbours from being given back. */
	if (!mv_memory_ptr(mem, page << PAGE_SHIFT, MV_BALLOON_PAGE))
		return;
	if (page >= r->first && page < r->end)
		return;
	if (r->end > r->first && page == r->end) {
		r->end++;
	} else if (r->end > r->first && page + 1 == r->first) {
		r->first--;
	} else {
		give_back(mem, r);
		*r = (struct run){ .first = page, .end = page + 1 };
	}
}

bool mv_balloon_inflate(struct mv_memory *mem, const struct mv_chain *chain, uint64_t *done, unsigned *budget)
{
	uint8_t numbers[NUMBERS * 4];
	struct run run = { 0, 0 };
	size_t n;

	while (*budget) {
		size_t want = *budget < NUMBERS ? *budget * 4UL : sizeof(numbers);

		n = mv_chain_read(chain, *done, numbers, want) / 4;
		for (size_t i = 0; i < n; i++)
			add_page(mem, &run, mv_get_le32(numbers + i * 4));
		*done += n * 4;
		*budget -= (unsigned)n;
		if (!n)
			break;
	}
	give_back(mem, &run);
	/* Bytes that are no whole number are nothing. */
	return *done >= chain->readable_bytes || chain->readable_bytes - *done < 4;
}

/* Segments are host addresses by now; each lies within one region. */
static bool guest_address(const struct mv_memory *mem, const void *host, uint64_t *gpa)
{
	const uint8_t *p = host;

	for (unsigned i = 0; i < mem->region_count; i++) {
		const struct mv_memory_region *r = &mem->regions[i];

		if (p >= r->host && p < r->host + r->size) {
			*gpa = r->gpa + (uint64_t)(p - r->host);
			return true;
		}
	}
	return false;
}

void mv_balloon_report(struct mv_memory *mem, const struct mv_chain *chain)
{
	for (unsigned i = 0; i < chain->writable; i++) {
		const struct iovec *iov = &chain->iov[chain->readable + i];
		uint64_t start, end;

		if (!guest_address(mem, iov->iov_base, &start))
			continue;
		end = (start + iov->iov_len) & ~(uint64_t)(MV_BALLOON_PAGE - 1);
		start = (start + MV_BALLOON_PAGE - 1) & ~(uint64_t)(MV_BALLOON_PAGE - 1);
		if (start < end)
			mv_memory_discard(mem, start, end - start);
	}
}
