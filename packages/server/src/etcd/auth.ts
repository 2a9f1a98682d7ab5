/**
 * Service Auth as an etcd answers that has no users and no roles and whose authentication is disabled (contract 39).
 *
 * Users and roles cannot be added yet: that is Unimplemented, in words that no etcd uses, so that nobody takes it for a refusal of
 * what was asked. Everything else has etcd's answer: lists are empty, and whoever is named is not found.
 */
import { GRPC_CODES, SERVICES } from '@quorate/proto';
import type { EtcdBackend } from './backend.js';
import { etcdFailure } from './errors.js';
import { type RpcFailure, type Served, unary } from './service.js';

/** Of an auth store in which nothing has ever changed. */
const AUTH_REVISION = 1;

const NO_USERS: RpcFailure = {
  code: GRPC_CODES.UNIMPLEMENTED,
  message: 'quorate: users and roles cannot be added in this version',
};

export class AuthService {
  readonly #backend: EtcdBackend;

  constructor(backend: EtcdBackend) {
    this.#backend = backend;
  }

  methods(): readonly Served[] {
    return [...this.#switches(), ...this.#users(), ...this.#roles()];
  }

  #switches(): readonly Served[] {
    const { headers } = this.#backend;
    const methods = SERVICES['etcdserverpb.Auth'];
    return [
      unary(methods.AuthStatus, (_, _call, reply) =>
        reply.ok({ header: headers.now(), enabled: false, authRevision: AUTH_REVISION }),
      ),
      unary(methods.AuthEnable, (_, _call, reply) => reply.fail(etcdFailure('RootUserNotExist'))),
      unary(methods.AuthDisable, (_, _call, reply) => reply.ok({ header: headers.now() })),
      unary(methods.Authenticate, (_, _call, reply) => reply.fail(etcdFailure('AuthNotEnabled'))),
    ];
  }

  #users(): readonly Served[] {
    const { headers } = this.#backend;
    const methods = SERVICES['etcdserverpb.Auth'];
    const notFound = etcdFailure('UserNotFound');
    return [
      unary(methods.UserAdd, (request, _call, reply) =>
        reply.fail(request.name === '' ? etcdFailure('UserEmpty') : NO_USERS),
      ),
      unary(methods.UserList, (_, _call, reply) => reply.ok({ header: headers.now(), users: [] })),
      unary(methods.UserGet, (_, _call, reply) => reply.fail(notFound)),
      unary(methods.UserDelete, (_, _call, reply) => reply.fail(notFound)),
      unary(methods.UserChangePassword, (_, _call, reply) => reply.fail(notFound)),
      unary(methods.UserGrantRole, (_, _call, reply) => reply.fail(notFound)),
      unary(methods.UserRevokeRole, (_, _call, reply) => reply.fail(notFound)),
    ];
  }

  #roles(): readonly Served[] {
    const { headers } = this.#backend;
    const methods = SERVICES['etcdserverpb.Auth'];
    const notFound = etcdFailure('RoleNotFound');
    return [
      unary(methods.RoleAdd, (request, _call, reply) =>
        reply.fail(request.name === '' ? etcdFailure('RoleEmpty') : NO_USERS),
      ),
      unary(methods.RoleList, (_, _call, reply) => reply.ok({ header: headers.now(), roles: [] })),
      unary(methods.RoleGet, (_, _call, reply) => reply.fail(notFound)),
      unary(methods.RoleDelete, (_, _call, reply) => reply.fail(notFound)),
      unary(methods.RoleGrantPermission, (request, _call, reply) =>
        reply.fail(request.perm === undefined ? etcdFailure('PermissionNotGiven') : notFound),
      ),
      unary(methods.RoleRevokePermission, (_, _call, reply) => reply.fail(notFound)),
    ];
  }
}
