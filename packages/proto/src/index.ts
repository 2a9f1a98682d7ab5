/** etcd v3 messages: codecs for the wire and for JSON, and the error table. */
export {};
