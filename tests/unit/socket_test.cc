// Messages over a stream socket.

#include "child/socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
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

// A message as it goes over the socket, with the size that it says.
std::string Sent(uint64_t size, std::string_view bytes) {
  std::string sent(sizeof(size), '\0');
  std::memcpy(sent.data(), &size, sizeof(size));
  return sent.append(bytes);
}

class SocketTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets_.data()), 0);
  }
  ~SocketTest() override {
    for (const int socket : sockets_) close(socket);
  }

  int ours() const { return sockets_[0]; }
  int theirs() const { return sockets_[1]; }

  void Put(std::string_view bytes) const {
    ASSERT_EQ(write(theirs(), bytes.data(), bytes.size()),
              static_cast<ssize_t>(bytes.size()));
  }

 private:
  std::array<int, 2> sockets_{};
};

TEST_F(SocketTest, ReceivesMessagesOneAfterTheOther) {
  Incoming message;
  for (const std::string_view text : {"a longer one", "", "short"}) {
    ASSERT_TRUE(Send(theirs(), text));
    ASSERT_TRUE(Receive(ours(), message));
    EXPECT_EQ(Text(message.message()), text);
  }
}

TEST_F(SocketTest, ReceivesAMessageThatComesByteByByte) {
  const std::string sent = Sent(3, "abc");
  std::thread sender([&] {
    for (const char& byte : sent) {
      Put({&byte, 1});
      std::this_thread::yield();
    }
  });
  Incoming message;
  EXPECT_TRUE(Receive(ours(), message));
  sender.join();
  EXPECT_EQ(Text(message.message()), "abc");
}

TEST_F(SocketTest, ReceivesTheLargestMessage) {
  std::string text(kMessageMax, 'a');
  text.back() = 'z';
  std::thread sender([&] { EXPECT_TRUE(Send(theirs(), text)); });
  Incoming message;
  EXPECT_TRUE(Receive(ours(), message));
  sender.join();
  EXPECT_TRUE(Text(message.message()) == text);
}

TEST_F(SocketTest, RefusesALargerMessage) {
  Put(Sent(kMessageMax + 1, "a"));
  Incoming message;
  EXPECT_FALSE(Receive(ours(), message));
}

TEST_F(SocketTest, RefusesASizeThatOverflows) {
  for (const uint64_t size : {UINT64_MAX, UINT64_MAX - 7}) {
    Put(Sent(size, ""));
    Incoming message;
    EXPECT_FALSE(Receive(ours(), message));
  }
}

TEST_F(SocketTest, RefusesMoreThanTheMessage) {
  Put(Sent(2, "ab") + "c");
  Incoming message;
  EXPECT_FALSE(Receive(ours(), message));
}

TEST_F(SocketTest, RefusesAMessageThatEndsEarly) {
  for (const std::string& sent : {Sent(2, "a"), std::string(3, '\0')}) {
    std::array<int, 2> pair{};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()), 0);
    ASSERT_EQ(write(pair[1], sent.data(), sent.size()),
              static_cast<ssize_t>(sent.size()));
    close(pair[1]);
    Incoming message;
    EXPECT_FALSE(Receive(pair[0], message)) << sent.size();
    close(pair[0]);
  }
}

TEST_F(SocketTest, AConversationGoesOnAfterAReplyWasLate) {
  Conversation conversation;
  ASSERT_TRUE(conversation.Begin(ours()));
  EXPECT_EQ(conversation.Ask({}), Wait::kLate);
  Put(Sent(4, "ab"));
  EXPECT_EQ(conversation.GoOn(), Wait::kLate);
  Put("cd");
  EXPECT_EQ(conversation.GoOn(), Wait::kDone);
  const auto kept = conversation.KeepReply();
  EXPECT_EQ(Text(kept), "abcd");

  // The reply that is kept stays while the next one comes.
  Put(Sent(2, "ef"));
  EXPECT_EQ(conversation.Ask({}), Wait::kDone);
  EXPECT_EQ(Text(conversation.reply()), "ef");
  EXPECT_EQ(Text(kept), "abcd");
}

TEST_F(SocketTest, ARequestIsLateIfTheOtherSideTakesNothing) {
  Conversation conversation;
  ASSERT_TRUE(conversation.Begin(ours()));
  const std::string request(kMessageMax, 'a');
  EXPECT_EQ(conversation.Ask(request), Wait::kLate);
  std::thread other([&] {
    Incoming message;
    EXPECT_TRUE(Receive(theirs(), message));
    EXPECT_EQ(message.message().size(), kMessageMax);
    EXPECT_TRUE(Send(theirs(), std::string_view("taken")));
  });
  Wait wait = Wait::kLate;
  while (wait == Wait::kLate) wait = conversation.GoOn();
  other.join();
  EXPECT_EQ(wait, Wait::kDone);
  EXPECT_EQ(Text(conversation.reply()), "taken");
}

TEST_F(SocketTest, AReplyIsLateEvenIfSomeOfItComesAgainAndAgain) {
  Conversation conversation;
  ASSERT_TRUE(conversation.Begin(ours()));
  Put(Sent(kMessageMax, ""));
  std::atomic<bool> is_over = false;
  std::thread other([&] {
    while (!is_over) {
      Put("a");
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  EXPECT_EQ(conversation.Ask({}), Wait::kLate);
  is_over = true;
  other.join();
}

TEST(ConversationTest, NeedsASocket) { EXPECT_FALSE(Conversation().Begin(-1)); }

TEST_F(SocketTest, AConversationEndsWithTheOtherSide) {
  Conversation conversation;
  ASSERT_TRUE(conversation.Begin(ours()));
  shutdown(theirs(), SHUT_WR);
  EXPECT_EQ(conversation.Ask({}), Wait::kEnded);
}

TEST_F(SocketTest, AConversationEndsWithAReplyThatMakesNoSense) {
  Conversation conversation;
  ASSERT_TRUE(conversation.Begin(ours()));
  Put(Sent(1, "ab"));
  EXPECT_EQ(conversation.Ask({}), Wait::kEnded);
}

}  // namespace
}  // namespace resource_attribution::child
