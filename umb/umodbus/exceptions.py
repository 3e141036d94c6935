"""The exceptions of umb.errors by the names that uModbus has, and the map from code to class."""

from umb.errors import (
    AcknowledgeError,
    GatewayPathUnavailableError,
    GatewayTargetDeviceFailedToRespondError,
    IllegalDataAddressError,
    IllegalDataValueError,
    IllegalFunctionError,
    MemoryParityError,
    ModbusError,
    ServerDeviceBusyError,
    ServerDeviceFailureError,
)

# Exception code (AP 7): the class that stands for it. A code without a class is a ModbusError.
error_code_to_exception_map = {
    1: IllegalFunctionError,
    2: IllegalDataAddressError,
    3: IllegalDataValueError,
    4: ServerDeviceFailureError,
    5: AcknowledgeError,
    6: ServerDeviceBusyError,
    8: MemoryParityError,
    10: GatewayPathUnavailableError,
    11: GatewayTargetDeviceFailedToRespondError,
}

__all__ = (
    "AcknowledgeError",
    "GatewayPathUnavailableError",
    "GatewayTargetDeviceFailedToRespondError",
    "IllegalDataAddressError",
    "IllegalDataValueError",
    "IllegalFunctionError",
    "MemoryParityError",
    "ModbusError",
    "ServerDeviceBusyError",
    "ServerDeviceFailureError",
    "error_code_to_exception_map",
)
