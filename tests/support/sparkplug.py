"""Payloads of Sparkplug B as Google's Protocol Buffers read and write them.

The message types are the part of the specification's schema that umb.sparkplug uses.
"""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_FIELD = descriptor_pb2.FieldDescriptorProto
_KINDS = {
    "uint64": _FIELD.TYPE_UINT64,
    "uint32": _FIELD.TYPE_UINT32,
    "bool": _FIELD.TYPE_BOOL,
    "float": _FIELD.TYPE_FLOAT,
    "double": _FIELD.TYPE_DOUBLE,
    "string": _FIELD.TYPE_STRING,
    "bytes": _FIELD.TYPE_BYTES,
}
_METRIC = (
    ("name", 1, "string"),
    ("alias", 2, "uint64"),
    ("timestamp", 3, "uint64"),
    ("datatype", 4, "uint32"),
    ("is_historical", 5, "bool"),
    ("is_transient", 6, "bool"),
    ("is_null", 7, "bool"),
)
_VALUES = (
    ("int_value", 10, "uint32"),
    ("long_value", 11, "uint64"),
    ("float_value", 12, "float"),
    ("double_value", 13, "double"),
    ("boolean_value", 14, "bool"),
    ("string_value", 15, "string"),
    ("bytes_value", 16, "bytes"),
)
SIGNED_32, SIGNED_64 = (1, 2, 3), (4,)  # data types


def _payload_class():
    file = descriptor_pb2.FileDescriptorProto(name="sparkplug.proto", package="sparkplug")
    file.syntax = "proto2"
    payload = file.message_type.add(name="Payload")
    metric = payload.nested_type.add(name="Metric")
    metric.oneof_decl.add(name="value")
    for name, number, kind in _METRIC + _VALUES:
        field = metric.field.add(name=name, number=number, label=_FIELD.LABEL_OPTIONAL)
        field.type = _KINDS[kind]
        if (name, number, kind) in _VALUES:
            field.oneof_index = 0
    for name, number in (("timestamp", 1), ("seq", 3)):
        field = payload.field.add(name=name, number=number, label=_FIELD.LABEL_OPTIONAL)
        field.type = _FIELD.TYPE_UINT64
    field = payload.field.add(name="metrics", number=2, label=_FIELD.LABEL_REPEATED)
    field.type = _FIELD.TYPE_MESSAGE
    field.type_name = ".sparkplug.Payload.Metric"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("sparkplug.Payload"))


Payload = _payload_class()


def read(data):
    """Return (a Payload, {name: value}) of bytes. A value that is null is None."""
    payload = Payload.FromString(data)
    values = {}
    for metric in payload.metrics:
        values[metric.name] = value_of(metric)
    return payload, values


def value_of(metric):
    """Return the value of a metric, by its data type."""
    field = metric.WhichOneof("value")
    if metric.is_null:
        assert field is None
        return None
    value = getattr(metric, field)
    if metric.datatype in SIGNED_32 and value >= 1 << 31:
        value -= 1 << 32
    if metric.datatype in SIGNED_64 and value >= 1 << 63:
        value -= 1 << 64
    return value


def command(name, **value):
    """Return the bytes of a command: command("relay", boolean_value=True)."""
    payload = Payload(timestamp=1)
    payload.metrics.add(name=name, **value)
    return payload.SerializeToString()
