/** What ReadyForQuery says: idle, in a transaction, or in a transaction that failed. */
export type TransactionStatus = 'I' | 'T' | 'E';
