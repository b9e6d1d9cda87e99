// Every bound of this package, in bytes unless said otherwise. README.md has them as a table.

/** A start-up packet, its length field included [postgres MAX_STARTUP_PACKET_LENGTH]. */
export const maxStartupLength = 10_000;
/** A cancel key: 4 bytes in protocol 3.0, up to 256 since 3.2 [pg 53.7 CancelRequest]. */
export const maxCancelKey = 256;
/** An authentication answer from a client [postgres PG_MAX_AUTH_TOKEN_LENGTH]. */
export const maxAuthLength = 65_535;
/** A message from a client that holds no more than names [postgres PQ_SMALL_MESSAGE_LIMIT]. */
export const maxSmallMessage = 10_000;
/** Any other message from a client [postgres PQ_LARGE_MESSAGE_LIMIT]. */
export const maxLargeMessage = 0x3fff_fffe;
/** A message from a server that never holds much [libpq VALID_LONG_MESSAGE_TYPE]. */
export const maxShortReply = 30_000;
/** Any other message from a server: what its signed length can say. */
export const maxLongReply = 0x7fff_ffff;
/** An inspected message is delivered whole up to here; of a longer one, this many bytes are. */
export const defaultWholeUpTo = 65_536;
/** Rounds of PBKDF2 a server may ask of us: more is an attack on our processor. */
export const maxScramIterations = 1_000_000;
/** A SCRAM message from the other side, in characters. */
export const maxScramMessage = 4_096;
/** Requests a client may have sent that the server has not answered: pipelines stop there until it has. */
export const maxPipelined = 65_536;
