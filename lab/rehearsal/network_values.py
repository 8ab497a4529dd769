"""The values of many hosts as collectd's network plugin sends them: encoded by
collectd's own client library, encrypted as the plugin does it."""

import ctypes
import hashlib
import os
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.support import daemon

NAME_BYTES = 64  # LCC_NAME_LEN
GAUGE = 1  # LCC_TYPE_GAUGE
PACKET_BYTES = 1452  # MaxPacketSize of agent.conf
ENCRYPTED = 0x0210  # The part of a packet that everything else is in.


class Identifier(ctypes.Structure):
    """lcc_identifier_t"""
    _fields_ = [(name, ctypes.c_char * NAME_BYTES) for name in
                ("host", "plugin", "plugin_instance", "type", "type_instance")]


class ValueList(ctypes.Structure):
    """lcc_value_list_t"""
    _fields_ = [
        ("values", ctypes.POINTER(ctypes.c_double)),
        ("values_types", ctypes.POINTER(ctypes.c_int)),
        ("values_len", ctypes.c_size_t),
        ("time", ctypes.c_double),
        ("interval", ctypes.c_double),
        ("identifier", Identifier),
    ]


class Encoder:
    """Encodes what one user sends. The values come at this interval in seconds."""

    def __init__(self, user, password, interval):
        self._user = user.encode()
        self._key = algorithms.AES256(
            hashlib.sha256(password.encode()).digest())
        # Type, length, length of the user, user, initial vector, SHA-1.
        self._overhead = 2 + 2 + 2 + len(self._user) + 16 + 20
        self._library = ctypes.CDLL("libcollectdclient.so.1")
        create = self._library.lcc_network_buffer_create
        create.restype, create.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
        self._buffer = ctypes.c_void_p(create(PACKET_BYTES - self._overhead))
        self._value = ctypes.c_double()
        self._values = ValueList(
            ctypes.pointer(self._value), ctypes.pointer(ctypes.c_int(GAUGE)),
            1, 0, interval)
        self._values.identifier.plugin = b"resource_attribution"

    def packets(self, host, blocks, time, value):
        """The packets of a host with the five values of each block."""
        values = self._values
        values.identifier.host = host.encode()
        values.time = time
        self._value.value = value
        packets = []
        for block in blocks:
            values.identifier.plugin_instance = block.encode()
            for type_ in daemon.TYPES:
                values.identifier.type = type_.encode()
                if self._add() != 0:
                    packets.append(self._packet())
                    assert self._add() == 0
        packets.append(self._packet())
        return packets

    def _add(self):
        return self._library.lcc_network_buffer_add_value(
            self._buffer, ctypes.byref(self._values))

    def _packet(self):
        """Returns the content of the buffer and empties it."""
        plain = ctypes.create_string_buffer(PACKET_BYTES)
        size = ctypes.c_size_t(PACKET_BYTES)
        self._library.lcc_network_buffer_finalize(self._buffer)
        assert self._library.lcc_network_buffer_get(
            self._buffer, plain, ctypes.byref(size)) == 0
        self._library.lcc_network_buffer_initialize(self._buffer)
        plain = plain.raw[:size.value]
        vector = os.urandom(16)
        encryptor = Cipher(self._key, modes.OFB(vector)).encryptor()
        return struct.pack("!HHH", ENCRYPTED, self._overhead + len(plain),
                           len(self._user)) + self._user + vector + (
            encryptor.update(hashlib.sha1(plain).digest() + plain))
