/* Crashes at a chosen point: the process dies (by SIGSYS) at its next system call of this number. */
#ifndef MV_TESTS_DIE_AT_H
#define MV_TESTS_DIE_AT_H

void die_at(int number);

#endif
