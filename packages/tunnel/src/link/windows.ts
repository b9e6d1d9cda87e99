// Flow-control windows and memory bounds, set on purpose (the arithmetic is in DESIGN.md).

/**
 * 1 Gbit/s × 50 ms = 6.25 MB on the way, twice, because nghttp2 gives credit back only when half a window was read. Also
 * the most one stream holds for a slow reader.
 */
export const streamWindow: number = 12 * 1024 * 1024;
/**
 * What all streams together may have on the way. Node credits the connection when bytes arrive and the stream when they
 * are read, so a slow reader never eats into this.
 */
export const sessionWindow: number = 64 * 1024 * 1024;
/** Streams of one link that may be open at once. */
export const maxStreams = 20_000;
/** Node refuses new streams beyond this many MB of bookkeeping; its default of 10 MB is met at a few thousand. */
export const maxSessionMemory = 1024;
