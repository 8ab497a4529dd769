#ifndef RESOURCE_ATTRIBUTION_TESTS_UNIT_FAILING_ALLOCATION_H_
#define RESOURCE_ATTRIBUTION_TESTS_UNIT_FAILING_ALLOCATION_H_

/// How many calls of operator new succeed before one fails; negative: all do.
/// Whoever links this has an operator new of its own.
extern int failing_allocation;

#endif  // RESOURCE_ATTRIBUTION_TESTS_UNIT_FAILING_ALLOCATION_H_
