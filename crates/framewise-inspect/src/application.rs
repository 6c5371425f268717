//! Close codes of the application (RFC 6455 §7.4.2: 4000 to 4999) in protocols that publish theirs.

use framewise_rules::CloseCode;

use crate::leg::Leg;

/// A refusal: the protocol, and what the code means there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) protocol: &'static str,
    pub(crate) means: &'static str,
}

struct Protocol {
    name: &'static str,
    /// Whether a connection speaks it.
    spoken: fn(&Spoken<'_>) -> bool,
    refusals: &'static [(u16, &'static str)],
}

struct Spoken<'l> {
    offered: Vec<&'l str>,
    host: &'l str,
    target: &'l str,
}

const PROTOCOLS: &[Protocol] = &[
    Protocol {
        name: "GraphQL over WebSocket",
        spoken: |leg| leg.offered.iter().any(|name| name.contains("graphql")),
        refusals: &[
            (4004, "the connection's parameters were rejected"),
            (4005, "an internal client error"),
            (4400, "a message is not what the protocol expects"),
            (
                4401,
                "not authorized: an operation came before connection_init was acknowledged, or its token was rejected",
            ),
            (4403, "forbidden: the server's onConnect rejected connection_init"),
            (
                4406,
                "the subprotocol is not acceptable: client and server speak different GraphQL subprotocols",
            ),
            (4408, "connection_init did not come in time"),
            (4409, "a subscription with this id exists already"),
            (4429, "connection_init was sent twice"),
            (4500, "an internal server error"),
            (4504, "connection_ack did not come in time"),
        ],
    },
    Protocol {
        name: "Discord's gateway",
        spoken: |leg| leg.host.contains("discord.gg") || leg.host.contains("discord.media"),
        refusals: &[
            (4001, "unknown opcode"),
            (4002, "a payload does not decode"),
            (4003, "not authenticated: a payload came before Identify"),
            (4004, "authentication failed: the token is not valid"),
            (4005, "Identify was sent twice"),
            (4006, "the session is not valid any more"),
            (4007, "invalid sequence number"),
            (4008, "too many payloads: rate limited"),
            (4009, "the session timed out"),
            (4010, "invalid shard"),
            (4011, "sharding is required"),
            (4012, "invalid API version"),
            (4013, "invalid intents"),
            (4014, "disallowed intents: enable the privileged intent in the developer portal"),
        ],
    },
    Protocol {
        name: "obs-websocket",
        spoken: |leg| leg.offered.iter().any(|name| name.starts_with("obswebsocket.")),
        refusals: &[
            (4002, "a message does not decode"),
            (4003, "a required field is missing"),
            (4006, "unknown op"),
            (4007, "not identified: a message came before Identify"),
            (4008, "Identify was sent twice"),
            (4009, "authentication failed: the password is wrong"),
            (4010, "unsupported RPC version"),
            (4011, "the session was invalidated"),
        ],
    },
    Protocol {
        name: "Pusher",
        spoken: |leg| leg.target.starts_with("/app/") && leg.target.contains("protocol="),
        refusals: &[
            (4000, "the application accepts only TLS"),
            (4001, "the application does not exist: wrong key or cluster"),
            (4003, "the application is disabled"),
            (4004, "the application is over its connection quota"),
            (4006, "invalid version string"),
            (4007, "unsupported protocol version"),
            (4008, "no protocol version was supplied"),
            (4009, "the connection is not authorized"),
            (4100, "over capacity"),
            (4201, "the client did not answer pusher:ping"),
            (4202, "closed after inactivity"),
        ],
    },
    Protocol {
        name: "Twitch EventSub",
        spoken: |leg| leg.host.contains("eventsub.wss.twitch.tv"),
        refusals: &[
            (4000, "internal server error"),
            (4001, "the client sent a message; only Pongs are allowed"),
            (4002, "the client did not answer a Ping"),
            (4003, "no subscription was created within 10 s"),
            (4004, "the reconnect did not come within 30 s"),
            (4005, "network timeout"),
            (4006, "network error"),
            (4007, "invalid reconnect URL"),
        ],
    },
];

/// What a code of the application says on this leg, if its protocol is known and the code is a refusal there.
pub(crate) fn refusal(leg: &Leg, code: CloseCode) -> Option<Refusal> {
    let request = leg.request.as_ref()?;
    let agreed = leg.response.as_ref().and_then(|seen| seen.response.protocol.as_deref());
    let offered = request.request.protocols.iter().map(String::as_str).chain(agreed).collect();
    let spoken = Spoken { offered, host: &request.request.host, target: &request.request.target };
    PROTOCOLS.iter().filter(|protocol| (protocol.spoken)(&spoken)).find_map(|protocol| {
        let &(_, means) = protocol.refusals.iter().find(|(refusal, _)| *refusal == code.0)?;
        Some(Refusal { protocol: protocol.name, means })
    })
}
