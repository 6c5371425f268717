// uWebSockets' own echo example, with the options that this bench needs: `ADDR [--deflate takeover|no-takeover]`.
#include "App.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

struct PerSocketData {};

int main(int argc, char **argv) {
    std::string address = argc > 1 ? argv[1] : "";
    auto colon = address.find(':');
    if (colon == std::string::npos || address.rfind("127.", 0) != 0) {
        fprintf(stderr, "ADDR [--deflate takeover|no-takeover], on the loopback interface\n");
        return 1;
    }
    std::string host = address.substr(0, colon);
    int port = atoi(address.c_str() + colon + 1);
    bool deflate = argc > 3 && !strcmp(argv[2], "--deflate");
    bool takeover = deflate && !strcmp(argv[3], "takeover");
    // The window of the other peers is asked for, but this version makes the smallest compressor of any dedicated one.
    // Without takeover it has to be told: it agrees to server_no_context_takeover and then does not keep to it.
    auto compression = uWS::CompressOptions(takeover ? uWS::DEDICATED_COMPRESSOR | uWS::DEDICATED_DECOMPRESSOR
                                                     : uWS::SHARED_COMPRESSOR | uWS::SHARED_DECOMPRESSOR);

    uWS::App().ws<PerSocketData>("/*", {
        .compression = deflate ? compression : uWS::DISABLED,
        .maxPayloadLength = 64 * 1024 * 1024,
        .idleTimeout = 600,
        .maxBackpressure = 64 * 1024 * 1024,
        .closeOnBackpressureLimit = false,
        .resetIdleTimeoutOnSend = false,
        .sendPingsAutomatically = false,
        .message = [deflate](auto *ws, std::string_view message, uWS::OpCode opCode) {
            ws->send(message, opCode, deflate);
        },
    }).listen(host, port, [&address](auto *socket) {
        if (!socket) {
            fprintf(stderr, "%s cannot be listened on\n", address.c_str());
            exit(1);
        }
        printf("listening %s\n", address.c_str());
        fflush(stdout);
    }).run();
}
