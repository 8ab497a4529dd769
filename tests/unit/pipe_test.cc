// Messages over pipes.

#include "child/pipe.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>

namespace resource_attribution::child {
namespace {

std::string_view Text(std::span<const char> bytes) {
  return {bytes.data(), bytes.size()};
}

// A message as it goes over a pipe, with the size that it says.
std::string Sent(uint64_t size, std::string_view bytes) {
  std::string sent(sizeof(size), '\0');
  std::memcpy(sent.data(), &size, sizeof(size));
  return sent.append(bytes);
}

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe(ends.data()), 0);
    reading = ends[0];
    writing = ends[1];
  }
  ~Pipe() {
    close(reading);
    CloseWriting();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  void CloseWriting() {
    if (writing >= 0) close(writing);
    writing = -1;
  }

  void Put(std::string_view bytes) const {
    ASSERT_EQ(write(writing, bytes.data(), bytes.size()),
              static_cast<ssize_t>(bytes.size()));
  }

  int reading = -1;
  int writing = -1;
};

class PipeTest : public testing::Test {
 protected:
  Pipe replies_;
};

class ConversationTest : public PipeTest {
 protected:
  ConversationTest() {
    for (const int ours : {requests_.writing, replies_.reading}) {
      fcntl(ours, F_SETFL, O_NONBLOCK);
    }
    conversation_.Begin(requests_.writing, replies_.reading);
  }

  Pipe requests_;
  Conversation conversation_;
};

TEST_F(PipeTest, ReceivesMessagesOneAfterTheOther) {
  Incoming message;
  for (const std::string_view text : {"a longer one", "", "short"}) {
    ASSERT_TRUE(Send(replies_.writing, text));
    ASSERT_TRUE(Receive(replies_.reading, message));
    EXPECT_EQ(Text(message.message()), text);
  }
}

TEST_F(PipeTest, ReceivesAMessageThatComesByteByByte) {
  const std::string sent = Sent(3, "abc");
  std::thread sender([&] {
    for (const char& byte : sent) {
      replies_.Put({&byte, 1});
      std::this_thread::yield();
    }
  });
  Incoming message;
  EXPECT_TRUE(Receive(replies_.reading, message));
  sender.join();
  EXPECT_EQ(Text(message.message()), "abc");
}

TEST_F(PipeTest, ReceivesTheLargestMessage) {
  std::string text(kMessageMax, 'a');
  text.back() = 'z';
  std::thread sender([&] { EXPECT_TRUE(Send(replies_.writing, text)); });
  Incoming message;
  EXPECT_TRUE(Receive(replies_.reading, message));
  sender.join();
  EXPECT_TRUE(Text(message.message()) == text);
}

TEST_F(PipeTest, RefusesALargerMessage) {
  replies_.Put(Sent(kMessageMax + 1, "a"));
  Incoming message;
  EXPECT_FALSE(Receive(replies_.reading, message));
}

TEST_F(PipeTest, RefusesASizeThatOverflows) {
  for (const uint64_t size : {UINT64_MAX, UINT64_MAX - 7}) {
    replies_.Put(Sent(size, ""));
    Incoming message;
    EXPECT_FALSE(Receive(replies_.reading, message));
  }
}

TEST_F(PipeTest, RefusesMoreThanTheMessage) {
  replies_.Put(Sent(2, "ab") + "c");
  Incoming message;
  EXPECT_FALSE(Receive(replies_.reading, message));
}

TEST_F(PipeTest, RefusesAMessageThatEndsEarly) {
  for (const std::string& sent : {Sent(2, "a"), std::string(3, '\0')}) {
    Pipe pipe;
    pipe.Put(sent);
    pipe.CloseWriting();
    Incoming message;
    EXPECT_FALSE(Receive(pipe.reading, message)) << sent.size();
  }
}

TEST_F(ConversationTest, AConversationGoesOnAfterAReplyWasLate) {
  EXPECT_EQ(conversation_.Ask({}), Wait::kLate);
  replies_.Put(Sent(4, "ab"));
  EXPECT_EQ(conversation_.GoOn(), Wait::kLate);
  replies_.Put("cd");
  EXPECT_EQ(conversation_.GoOn(), Wait::kDone);
  const auto kept = conversation_.KeepReply();
  EXPECT_EQ(Text(kept), "abcd");

  // The reply that is kept stays while the next one comes.
  replies_.Put(Sent(2, "ef"));
  EXPECT_EQ(conversation_.Ask({}), Wait::kDone);
  EXPECT_EQ(Text(conversation_.reply()), "ef");
  EXPECT_EQ(Text(kept), "abcd");
}

TEST_F(ConversationTest, ARequestIsLateIfTheOtherSideTakesNothing) {
  const std::string request(kMessageMax, 'a');
  EXPECT_EQ(conversation_.Ask(request), Wait::kLate);
  std::thread other([&] {
    Incoming message;
    EXPECT_TRUE(Receive(requests_.reading, message));
    EXPECT_EQ(message.message().size(), kMessageMax);
    EXPECT_TRUE(Send(replies_.writing, std::string_view("taken")));
  });
  Wait wait = Wait::kLate;
  while (wait == Wait::kLate) wait = conversation_.GoOn();
  other.join();
  EXPECT_EQ(wait, Wait::kDone);
  EXPECT_EQ(Text(conversation_.reply()), "taken");
}

TEST_F(ConversationTest, ARequestIsLateEvenIfSomeOfItIsTakenAgainAndAgain) {
  fcntl(requests_.reading, F_SETFL, O_NONBLOCK);
  std::atomic<bool> is_over = false;
  std::atomic<size_t> all_taken = 0;
  std::thread other([&] {
    std::array<char, 4096> bytes{};
    while (!is_over) {
      const ssize_t taken = read(requests_.reading, bytes.data(), bytes.size());
      if (taken > 0) all_taken += static_cast<size_t>(taken);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  const std::string request(kMessageMax, 'a');
  EXPECT_EQ(conversation_.Ask(request), Wait::kLate);
  EXPECT_LT(all_taken, kMessageMax / 2);
  is_over = true;
  other.join();
}

TEST_F(ConversationTest, AReplyIsLateEvenIfSomeOfItComesAgainAndAgain) {
  replies_.Put(Sent(kMessageMax, ""));
  std::atomic<bool> is_over = false;
  std::thread other([&] {
    while (!is_over) {
      replies_.Put("a");
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  EXPECT_EQ(conversation_.Ask({}), Wait::kLate);
  is_over = true;
  other.join();
}

TEST_F(ConversationTest, AConversationEndsWithTheOtherSide) {
  replies_.CloseWriting();
  EXPECT_EQ(conversation_.Ask({}), Wait::kEnded);
}

TEST_F(ConversationTest, AConversationEndsWithTheOtherSideThoughThePipeIsFull) {
  const std::string request(kMessageMax, 'a');
  EXPECT_EQ(conversation_.Ask(request), Wait::kLate);
  replies_.CloseWriting();
  EXPECT_EQ(conversation_.GoOn(), Wait::kEnded);
}

TEST_F(ConversationTest, AConversationEndsWithAReplyThatMakesNoSense) {
  replies_.Put(Sent(1, "ab"));
  EXPECT_EQ(conversation_.Ask({}), Wait::kEnded);
}

}  // namespace
}  // namespace resource_attribution::child
