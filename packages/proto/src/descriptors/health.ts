/** The standard health service: package grpc.health.v1. */
export const HEALTH_ENUMS = {
  'grpc.health.v1.HealthCheckResponse.ServingStatus': { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 },
} as const;

export const HEALTH_MESSAGES = {
  'grpc.health.v1.HealthCheckRequest': {
    service: { number: 1, type: 'string' },
  },
  'grpc.health.v1.HealthCheckResponse': {
    status: { number: 1, type: 'grpc.health.v1.HealthCheckResponse.ServingStatus' },
  },
} as const;
