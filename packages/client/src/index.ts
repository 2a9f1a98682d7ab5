/** The TypeScript client for Quorate and etcd v3. */
export {};
