"""Reads RecordIO-protobuf files by SageMaker's published schema, with Google's protobuf."""

import struct

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

MAGIC = 0xCED7230A


def record_class():
    """The message of SageMaker's published schema, `aialgs.data.Record`."""
    label = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="record.proto", package="aialgs.data", syntax="proto2")

    def tensor(name, values):
        message = file.message_type.add(name=name)
        for number, (field, kind) in enumerate([("values", values), ("keys", label.TYPE_UINT64), ("shape", label.TYPE_UINT64)], 1):
            added = message.field.add(name=field, number=number, type=kind, label=label.LABEL_REPEATED)
            added.options.packed = True

    tensor("Float32Tensor", label.TYPE_FLOAT)
    tensor("Float64Tensor", label.TYPE_DOUBLE)
    tensor("Int32Tensor", label.TYPE_INT32)
    value = file.message_type.add(name="Value")
    value.oneof_decl.add(name="value")
    for name, number, kind in [("float32_tensor", 2, "Float32Tensor"), ("float64_tensor", 3, "Float64Tensor"), ("int32_tensor", 7, "Int32Tensor")]:
        value.field.add(name=name, number=number, type=label.TYPE_MESSAGE, type_name=f".aialgs.data.{kind}", label=label.LABEL_OPTIONAL, oneof_index=0)
    record = file.message_type.add(name="Record")
    for name, number, entry in [("features", 1, "FeaturesEntry"), ("label", 2, "LabelEntry")]:
        nested = record.nested_type.add(name=entry)
        nested.options.map_entry = True
        nested.field.add(name="key", number=1, type=label.TYPE_STRING, label=label.LABEL_OPTIONAL)
        nested.field.add(name="value", number=2, type=label.TYPE_MESSAGE, type_name=".aialgs.data.Value", label=label.LABEL_OPTIONAL)
        record.field.add(name=name, number=number, type=label.TYPE_MESSAGE, type_name=f".aialgs.data.Record.{entry}", label=label.LABEL_REPEATED)
    for number, name in enumerate(["uid", "metadata", "configuration"], 3):
        record.field.add(name=name, number=number, type=label.TYPE_STRING, label=label.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("aialgs.data.Record"))


def records(path, message):
    data = path.read_bytes()
    assert len(data) % 4 == 0, "records are aligned"
    at = 0
    while at < len(data):
        magic, length = struct.unpack_from("<II", data, at)
        assert magic == MAGIC, hex(magic)
        yield message.FromString(data[at + 8 : at + 8 + length])
        at += 8 + (length + 3) // 4 * 4
