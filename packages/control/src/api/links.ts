// What the API has to know of the links that connectors hold, and may do to them.

/** One link of a connector. */
export interface ConnectorConnection {
  /** Of the link. */
  readonly id: string;
  readonly connectorId: string;
  readonly client: { readonly version: string; readonly arch: string };
  readonly remoteAddress: string;
  readonly openedAt: Date;
}

export interface LinkDirectory {
  connections: (tunnelId: string) => readonly ConnectorConnection[];
  /** Ends a tunnel's links, or those of one connector. */
  disconnect: (tunnelId: string, connectorId?: string) => void;
}
