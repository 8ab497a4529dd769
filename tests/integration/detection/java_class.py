"""Class files of Java, without a compiler: the runtime alone is smaller."""

import struct
import zipfile


def utf8(text):
    return b"\1" + struct.pack(">H", len(text)) + text.encode()


def class_file(name, port=None):
    """A class that is a program and an agent. Its main connects to the port of
    loopback, if there is one, and stays."""
    pool = []

    def constant(entry):
        if entry not in pool:
            pool.append(entry)
        return pool.index(entry) + 1

    def text(value):
        return constant(utf8(value))

    def class_(value):
        return constant(b"\7" + struct.pack(">H", text(value)))

    def method(owner, name_, type_):
        named = constant(b"\14" + struct.pack(">HH", text(name_), text(type_)))
        return constant(b"\12" + struct.pack(">HH", class_(owner), named))

    def code(bytecode):
        body = struct.pack(">HHI", 4, 2, len(bytecode)) + bytecode + b"\0\0\0\0"
        return struct.pack(">HI", text("Code"), len(body)) + body

    def static(name_, type_, bytecode):
        return struct.pack(">HHHH", 9, text(name_), text(type_), 1) + code(bytecode)

    def two(number):
        return struct.pack(">H", number)

    connect = b""
    if port is not None:
        host = constant(b"\10" + struct.pack(">H", text("127.0.0.1")))
        # astore_1 keeps the socket: else it could be collected and closed.
        connect = (b"\xbb" + two(class_("java/net/Socket")) + b"\x59\x12" +
                   bytes([host]) + b"\x11" + two(port) + b"\xb7" +
                   two(method("java/net/Socket", "<init>",
                              "(Ljava/lang/String;I)V")) + b"\x4c")
    stay = (b"\xb8" + two(method("java/lang/Thread", "currentThread",
                                 "()Ljava/lang/Thread;")) +
            b"\xb6" + two(method("java/lang/Thread", "join", "()V")))
    methods = [static("main", "([Ljava/lang/String;)V", connect + stay + b"\xb1"),
               static("premain", "(Ljava/lang/String;)V", b"\xb1")]
    this, parent = class_(name), class_("java/lang/Object")
    return (struct.pack(">IHHH", 0xCAFEBABE, 0, 49, len(pool) + 1) +
            b"".join(pool) + struct.pack(">HHHHH", 0x21, this, parent, 0, 0) +
            two(len(methods)) + b"".join(methods) + two(0))


def write_jar(path, name, port=None, manifest=()):
    with zipfile.ZipFile(path, "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF",
                     "".join(line + "\n" for line in
                             ("Manifest-Version: 1.0", *manifest)))
        jar.writestr(f"{name}.class", class_file(name, port))
