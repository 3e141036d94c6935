"""What a Server offers besides its store, as it was asked to. Each in a file of its own."""


def offer(functions, identity, server_id, files, fifo):
    """Put the handlers for these into {function code: handler}. None: not offered."""
    if identity is not None:
        from .identity import Identity

        functions[43] = Identity(identity).handle
    if server_id is not None:
        from .identity import ServerId

        functions[17] = ServerId(server_id).handle
    if files is not None:
        from .files import Files

        functions[20] = functions[21] = Files(files).handle
    if fifo is not None:
        from .files import Queues

        functions[24] = Queues(fifo).handle
