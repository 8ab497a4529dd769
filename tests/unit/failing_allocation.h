#ifndef RESOURCE_ATTRIBUTION_TESTS_UNIT_FAILING_ALLOCATION_H_
#define RESOURCE_ATTRIBUTION_TESTS_UNIT_FAILING_ALLOCATION_H_

/// How many calls of operator new succeed before one fails; negative: all
/// succeed. A test that is linked with this gets its operator new.
extern int failing_allocation;

/// Whether the call that should fail got its memory after all, because a
/// handler of std::set_new_handler freed some. Then no exception is thrown.
extern bool allocation_rescued;

#endif  // RESOURCE_ATTRIBUTION_TESTS_UNIT_FAILING_ALLOCATION_H_
