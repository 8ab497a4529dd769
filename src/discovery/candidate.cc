#include "discovery/candidate.h"

namespace resource_attribution::discovery {

const procfs::Result<std::string_view>& Candidate::Comm() {
  if (!comm_) comm_ = process_.ReadComm(buffers_.comm);
  return *comm_;
}

const procfs::Result<procfs::Cmdline>& Candidate::Cmdline() {
  if (!cmdline_) cmdline_ = process_.ReadCmdline(buffers_.cmdline);
  return *cmdline_;
}

const procfs::Result<std::string_view>& Candidate::Exe() {
  if (!exe_) exe_ = process_.ReadExe(buffers_.exe);
  return *exe_;
}

const procfs::Result<procfs::Status>& Candidate::Status() {
  if (!status_) status_ = process_.ReadStatus(buffers_.status);
  return *status_;
}

}  // namespace resource_attribution::discovery
