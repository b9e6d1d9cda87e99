// What a socket says to a caller who misuses it: the documented texts, some with the remedy behind them.
export const texts = {
  closing: 'This socket has been closed.',
  alreadyTls: 'Cannot startTls on a TLS socket.',
  notStartTls: "The `secureTransport` socket option must be set to 'starttls' for startTls to be used.",
  closed: 'The connection was closed before startTls could be started.',
  closedMeanwhile: 'The connection was closed before startTls completed.',
  twice: 'startTls has already been called on this socket, or the socket was transferred over RPC.',
  writerLocked: 'This WritableStream is currently locked to a writer. Call writer.releaseLock() before startTls().',
  readerLocked: 'The ReadableStream has been locked to a reader. Call reader.releaseLock() before startTls().',
} as const;
