/* libwebsockets: `libwebsockets serve PORT`, an echo that checks UTF-8 and agrees to permessage-deflate, or
 * `libwebsockets connect URL`, a client of Autobahn's protocol. */
#include <libwebsockets.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Cases at a time. */
#define CONCURRENT 8
/* A connection that a case left open must not hold up the others. */
#define LIMIT_SECONDS 60

struct message {
    struct message *next;
    size_t length;
    int binary;
    unsigned char bytes[];
};

struct session {
    /* What has come of a message. */
    unsigned char *part;
    size_t length, capacity;
    struct message *first, **last;
    /* Of a client: what it is connected for, and whether it is. */
    int counts, used;
    struct lws *wsi;
};

static struct lws_context *context;
static struct session slots[CONCURRENT];
static char host[128];
static int port, count, next_case, reported;

static void begin(struct session *session) {
    session->part = NULL;
    session->length = session->capacity = 0;
    session->first = NULL;
    session->last = &session->first;
}

static void end(struct session *session) {
    free(session->part);
    while (session->first) {
        struct message *message = session->first;
        session->first = message->next;
        free(message);
    }
    begin(session);
}

static int receive(struct lws *wsi, struct session *session, const void *in, size_t length) {
    if (session->length + length > session->capacity) {
        size_t capacity = 2 * (session->length + length);
        unsigned char *part = realloc(session->part, capacity);
        if (!part)
            return -1;
        session->part = part;
        session->capacity = capacity;
    }
    if (length)
        memcpy(session->part + session->length, in, length);
    session->length += length;
    if (!lws_is_final_fragment(wsi))
        return 0;
    if (session->counts) {
        char text[16] = "";
        memcpy(text, session->part, session->length < 15 ? session->length : 15);
        count = atoi(text);
        lws_close_reason(wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
        return -1;
    }
    struct message *message = malloc(sizeof *message + LWS_PRE + session->length + 1);
    if (!message)
        return -1;
    message->next = NULL;
    message->length = session->length;
    message->binary = lws_frame_is_binary(wsi);
    if (session->length)
        memcpy(message->bytes + LWS_PRE, session->part, session->length);
    *session->last = message;
    session->last = &message->next;
    session->length = 0;
    lws_callback_on_writable(wsi);
    return 0;
}

static int send_one(struct lws *wsi, struct session *session) {
    struct message *message = session->first;
    if (!message)
        return 0;
    session->first = message->next;
    if (!session->first)
        session->last = &session->first;
    int kind = message->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT;
    int written = lws_write(wsi, message->bytes + LWS_PRE, message->length, kind);
    int lost = written < (int)message->length;
    free(message);
    if (session->first)
        lws_callback_on_writable(wsi);
    return lost ? -1 : 0;
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length) {
    struct session *session = user;
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        begin(session);
        return 0;
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return receive(wsi, session, in, length);
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return send_one(wsi, session);
    case LWS_CALLBACK_CLOSED:
        end(session);
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        if (session) {
            end(session);
            session->used = 0;
        }
        return 0;
    default:
        return lws_callback_http_dummy(wsi, reason, user, in, length);
    }
}

/* With a protocol of its own for each direction: a client's sessions are the slots. */
static const struct lws_protocols serves[] = {
    {"echo", callback, sizeof(struct session), 4096, 0, NULL, 0}, {NULL, NULL, 0, 0, 0, NULL, 0}};
static const struct lws_protocols connects[] = {
    {"echo", callback, 0, 4096, 0, NULL, 0}, {NULL, NULL, 0, 0, 0, NULL, 0}};
static const struct lws_extension extensions[] = {
    {"permessage-deflate", lws_extension_callback_pm_deflate,
     "permessage-deflate; client_no_context_takeover; client_max_window_bits"},
    {NULL, NULL, NULL}};

static void start(struct session *session, const char *path) {
    struct lws_client_connect_info info;
    memset(&info, 0, sizeof info);
    info.context = context;
    info.address = info.host = info.origin = host;
    info.port = port;
    info.path = path;
    info.local_protocol_name = "echo";
    info.userdata = session;
    info.pwsi = &session->wsi;
    begin(session);
    session->used = 1;
    if (!lws_client_connect_via_info(&info))
        session->used = 0;
    else
        lws_set_timeout(session->wsi, PENDING_TIMEOUT_USER_OK, LIMIT_SECONDS);
}

static int busy(void) {
    int used = 0;
    for (int slot = 0; slot < CONCURRENT; slot++)
        used += slots[slot].used;
    return used;
}

static int client(const char *url) {
    char path[128];
    if (sscanf(url, "ws://%100[^:/]:%d", host, &port) != 2)
        return 1;
    slots[0].counts = 1;
    start(&slots[0], "/getCaseCount");
    while (slots[0].used && lws_service(context, 0) >= 0)
        ;
    slots[0].counts = 0;
    if (!count)
        return 1;
    while (busy() || next_case < count || !reported) {
        for (int slot = 0; slot < CONCURRENT && next_case < count; slot++) {
            if (slots[slot].used)
                continue;
            snprintf(path, sizeof path, "/runCase?case=%d&agent=libwebsockets", ++next_case);
            start(&slots[slot], path);
        }
        if (next_case == count && !busy() && !reported) {
            reported = 1;
            start(&slots[0], "/updateReports?agent=libwebsockets");
        }
        if (lws_service(context, 0) < 0)
            return 1;
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 1;
    int serving = !strcmp(argv[1], "serve");
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    lws_set_log_level(LLL_ERR, NULL);
    info.port = serving ? atoi(argv[2]) : CONTEXT_PORT_NO_LISTEN;
    info.iface = serving ? "127.0.0.1" : NULL;
    info.protocols = serving ? serves : connects;
    info.extensions = extensions;
    info.options = LWS_SERVER_OPTION_VALIDATE_UTF8;
    context = lws_create_context(&info);
    if (!context)
        return 1;
    int failed = 0;
    if (serving)
        while (lws_service(context, 0) >= 0)
            ;
    else
        failed = client(argv[2]);
    lws_context_destroy(context);
    return failed;
}
