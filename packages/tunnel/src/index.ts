/**
 * Private networks through outbound-only tunnels: the link, the connector, the edge half.
 *
 * @module
 */
export type {} from "@sallyport/egress";
