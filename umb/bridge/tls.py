"""TLS for umb.bridge.mqtt: loaded by programs that ask for it."""

import ssl

from ..check import wrong


def tls_context(tls):
    """Return the ssl.SSLContext for the argument `tls` of MQTT. Raises OSError, ValueError."""
    if hasattr(tls, "wrap_socket"):
        return tls
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if tls is True:
        context.verify_mode = ssl.CERT_NONE
    elif isinstance(tls, str):
        context.load_verify_locations(cadata=certificate(tls))
        context.verify_mode = ssl.CERT_REQUIRED
    else:
        raise wrong("tls", tls, "None, True, the path of a certificate or an ssl.SSLContext")
    return context


def certificate(path: str) -> bytes:
    """Return the certificate of a PEM or DER file as DER. Raises OSError, ValueError."""
    with open(path, "rb") as file:
        data = file.read()
    begin = data.find(b"-----BEGIN CERTIFICATE-----")
    if begin < 0:
        return data
    from binascii import a2b_base64

    end = data.find(b"-----END", begin)
    return a2b_base64(data[begin + len(b"-----BEGIN CERTIFICATE-----") : end])
