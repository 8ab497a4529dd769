#include "measures/estimate.h"

namespace resource_attribution::measures {

bool Estimate::IsCost() const {
  // The 95th percentiles of Student's t with 1 to 5 degrees of freedom.
  constexpr std::array kFactors{6.31, 2.92, 2.35, 2.13, 2.02};
  if (!standard_error || degrees_of_freedom == 0) return false;
  const double factor = degrees_of_freedom <= kFactors.size()
                            ? kFactors[degrees_of_freedom - 1]
                            : 2;
  return mean > factor * *standard_error;
}

}  // namespace resource_attribution::measures
