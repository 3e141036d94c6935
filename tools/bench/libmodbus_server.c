/* The yardstick: a Modbus TCP server made of libmodbus alone, one client at a time. */

#include <stdint.h>
#include <stdlib.h>

#include <modbus.h>

int main(int argc, char **argv)
{
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    modbus_t *context = modbus_new_tcp("127.0.0.1", argc > 1 ? atoi(argv[1]) : 5020);
    modbus_mapping_t *mapping = modbus_mapping_new(2000, 2000, 200, 200);
    int listener = modbus_tcp_listen(context, 1);

    if (mapping == NULL || listener < 0)
        return 1;
    while (modbus_tcp_accept(context, &listener) >= 0) {
        int n;
        while ((n = modbus_receive(context, query)) >= 0)
            if (n > 0)
                modbus_reply(context, query, n, mapping);
    }
    return 0;
}
