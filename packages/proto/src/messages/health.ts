/** The standard health service: package grpc.health.v1. */
import { codecOf } from '../codec/registry.js';
import type { Codec, UnknownEnum } from '../codec/types.js';

export type ServingStatus = 'UNKNOWN' | 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN' | UnknownEnum;

export interface HealthCheckRequest {
  /** Empty for the server as a whole. */
  service: string;
}
export const HealthCheckRequest: Codec<HealthCheckRequest> = codecOf('grpc.health.v1.HealthCheckRequest');

export interface HealthCheckResponse {
  status: ServingStatus;
}
export const HealthCheckResponse: Codec<HealthCheckResponse> = codecOf('grpc.health.v1.HealthCheckResponse');
