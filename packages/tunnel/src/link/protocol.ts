// The names and bounds of the link protocol, version 1. DESIGN.md beside this package says what each message means.

/** What both ends negotiate in TLS; a peer without it is not a peer [RFC 7301]. */
export const alpn = 'sallyport-tunnel/1';
export const protocolVersion = 1;

/**
 * The name in every edge's certificate. Connectors trust one authority that issues nothing else, so the name an edge is
 * dialled by, which changes with networks and load balancers, need not be in it.
 */
export const edgeServerName = 'edge.sallyport.internal';

/** The control stream: a POST to this path; every other stream is a CONNECT. */
export const controlPath = '/control';

/** What a CONNECT's stream carries: raw bytes for its destination, or HTTP/1.1 for a public host name. */
export const kindHeader = 'sallyport-kind';
export const streamKinds = ['tcp', 'http'] as const;
export type StreamKind = (typeof streamKinds)[number];

/** On a refused CONNECT: the stable code of the reason, and what happened, percent-encoded. */
/** Addresses of the DNS servers to ask for the name, comma-separated; a connector that does not know it asks its own. */
export const resolversHeader = 'sallyport-resolvers';
/** How many of them one request may name. */
export const maxResolvers = 8;
export const errorHeader = 'sallyport-error';
export const detailHeader = 'sallyport-detail';
/** Longest detail that is sent, in characters before encoding. */
export const maxDetail = 300;

/**
 * The trailer that proves a direction was ended on purpose. Node turns RST_STREAM into a plain end of stream in several
 * orders of events, so END_STREAM alone must never be taken for a complete transfer.
 */
export const endTrailer = 'sallyport-end';
export const cleanEnd = 'clean';

/** Longest control message, in bytes: what an edge takes, and what a connector takes from an edge that proved itself. */
export const maxMessage = 4096;
export const maxEdgeMessage: number = 256 * 1024;
/** Control messages a connector may send in the life of a link, and an edge before it has proved itself. */
export const maxMessages = 32;
/** Longest header block an end accepts, in bytes; longest `:authority` fits with room to spare. */
export const maxHeaderBytes = 8192;

/** Milliseconds for the TLS handshake, and again for the registration. */
export const registrationTimeout = 5_000;
/** Connections of one listener that may be between accept and registered: in all, and from one address. */
export const maxUnregistered = 1024;
export const maxUnregisteredPerAddress = 128;
/** Milliseconds the edge waits for the connector's answer to a CONNECT; a connector's own dial takes 10 s at most. */
export const openTimeout = 15_000;
/** Milliseconds a draining edge goes on using a link while its connector dials another. */
export const replacementTimeout = 1_000;
/** Milliseconds that a refusal gets to leave before its connection is destroyed. */
export const refusalTimeout = 1_000;
/** Milliseconds that running streams get to finish in a drain. */
export const drainGrace = 30_000;
/** Milliseconds between two PINGs, and until one must be answered. */
export const pingInterval = 10_000;
export const pingDeadline = 5_000;
