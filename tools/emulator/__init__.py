"""A bench for MicroPython on an emulated Raspberry Pi Pico, exact to 8 ns.

firmware.py finds the firmware, image.py makes the board's flash, pico.py boots and runs the board,
uart.py is its UART with real timing, line.py the RS-485 pair, master.py the master on it; port.py
and usb_port.py connect other programs to the board's REPL, watch.py prints what happens.

pico_w.py is the board with WiFi: radio.py its chip and the access point, network.py the network
behind that, wifi.py connects programs of this machine to it.

Everything runs in the caller's thread and only while a call asks for it: between two calls the
board's time stands still.  Times are emulated nanoseconds, floats, unless a name says else.
Without the emulator installed, image.py, network.py, pico.py, pico_w.py, radio.py, uart.py,
usb.py, usb_port.py, watch.py and wifi.py cannot be imported.
"""
