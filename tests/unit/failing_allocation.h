#ifndef RESOURCE_ATTRIBUTION_TESTS_UNIT_FAILING_ALLOCATION_H_
#define RESOURCE_ATTRIBUTION_TESTS_UNIT_FAILING_ALLOCATION_H_

/// How many calls of operator new succeed before one fails; negative: all do.
/// Whoever links this has an operator new of its own.
extern int failing_allocation;

/// Whether a call that was to fail has had its memory after all: a handler of
/// std::set_new_handler gave some back. No exception is thrown then.
extern bool allocation_rescued;

#endif  // RESOURCE_ATTRIBUTION_TESTS_UNIT_FAILING_ALLOCATION_H_
