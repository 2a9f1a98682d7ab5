/**
 * The calls for the cluster. `POST /register-follower` is the seed's: text answers, 500 for whatever is refused. With
 * `Accept: application/json`, which Quorate's own joiners send, it answers as the calls under `/cluster` do: JSON, errors as
 * `{"error": code, "message": text}`.
 */
import type { Cluster, JoinRequest, MemberInfo } from '@quorate/replica';
import { decodeStringFields } from './json-body.js';
import { readOptions } from './key-calls.js';
import * as answers from './responses.js';
import type { HttpRequest, HttpResponse } from './types.js';

const REGISTRATION_FIELDS = ['follower_id', 'follower_addr', 'client_addr', 'instance'] as const;

type Resolved = { readonly member: MemberInfo } | { readonly refusal: HttpResponse };

export class ClusterCalls {
  private readonly cluster: Cluster;
  private readonly onFault: (error: unknown) => void;

  constructor(cluster: Cluster, onFault: (error: unknown) => void) {
    this.cluster = cluster;
    this.onFault = onFault;
  }

  async register(request: HttpRequest): Promise<HttpResponse> {
    const wantsJson = acceptsJson(request);
    const fields = decodeStringFields(request.body, REGISTRATION_FIELDS);
    if (fields === undefined) {
      return wantsJson ? badRequest('the body is not that JSON') : answers.BAD_REGISTRATION_BODY;
    }
    const { follower_id: name = '', follower_addr: peerAddress = '', client_addr: clientAddress, instance } = fields;
    if (name === '' || peerAddress === '') {
      return wantsJson ? badRequest('follower_id and follower_addr are required') : answers.REGISTRATION_FAILED;
    }
    const join: JoinRequest = {
      name,
      peerAddress,
      ...(clientAddress === undefined ? {} : { clientAddress }),
      ...(instance === undefined ? {} : { instance }),
    };
    try {
      const result = await this.cluster.join(join);
      return wantsJson ? answers.json(200, result) : answers.REGISTERED;
    } catch (error) {
      const answer = this.answerTo(error);
      return wantsJson ? answer : answers.REGISTRATION_FAILED;
    }
  }

  status(): HttpResponse {
    return answers.json(200, this.cluster.status());
  }

  async members(query: string): Promise<HttpResponse> {
    const options = readOptions(query);
    if (options === undefined) return badRequest('consistency must be linearizable or serializable');
    try {
      return answers.json(200, { members: await this.cluster.members(options) });
    } catch (error) {
      return this.answerTo(error);
    }
  }

  async add(body: Uint8Array | undefined): Promise<HttpResponse> {
    const fields = decodeObject(body);
    if (fields === undefined) return badRequest('the body is not a JSON object');
    const { name, peerAddress, clientAddress, promoteWhenCaughtUp } = fields;
    if (fields['peerUrls'] !== undefined) return this.addByUrls(fields['peerUrls'], fields['isLearner']);
    if (typeof name !== 'string' || name === '') return badRequest('name must be a text that is not empty');
    if (typeof peerAddress !== 'string' || peerAddress === '') return badRequest('peerAddress must be host:port');
    if (clientAddress !== undefined && typeof clientAddress !== 'string') {
      return badRequest('clientAddress must be host:port');
    }
    if (promoteWhenCaughtUp !== undefined && typeof promoteWhenCaughtUp !== 'boolean') {
      return badRequest('promoteWhenCaughtUp must be true or false');
    }
    try {
      const result = await this.cluster.add({
        name,
        peerAddress,
        ...(clientAddress === undefined ? {} : { clientAddress }),
        ...(promoteWhenCaughtUp === undefined ? {} : { promoteWhenCaughtUp }),
      });
      return answers.json(200, result);
    } catch (error) {
      return this.answerTo(error);
    }
  }

  /** As etcd's `member add`: by URLs alone, without a name. */
  private async addByUrls(peerUrls: unknown, isLearner: unknown): Promise<HttpResponse> {
    if (!Array.isArray(peerUrls) || peerUrls.some((url) => typeof url !== 'string')) {
      return badRequest('peerUrls must be a list of URLs');
    }
    if (isLearner !== undefined && typeof isLearner !== 'boolean') return badRequest('isLearner must be true or false');
    try {
      const request = { peerUrls: peerUrls as string[], isLearner: isLearner === true };
      return answers.json(200, await this.cluster.add(request));
    } catch (error) {
      return this.answerTo(error);
    }
  }

  async remove(idOrName: string): Promise<HttpResponse> {
    return this.withMember(idOrName, async (member) => {
      await this.cluster.remove(member.id);
      return answers.json(200, { removed: member });
    });
  }

  async promote(idOrName: string): Promise<HttpResponse> {
    return this.withMember(idOrName, async (member) => {
      await this.cluster.promote(member.id);
      return answers.json(200, { promoted: member });
    });
  }

  async transferLeadership(body: Uint8Array | undefined): Promise<HttpResponse> {
    const fields = body === undefined || body.length === 0 ? {} : decodeObject(body);
    if (fields === undefined) return badRequest('the body is not a JSON object');
    const { target } = fields;
    const transfer = async (id?: number): Promise<HttpResponse> => {
      await this.cluster.transferLeadership(id);
      return answers.json(200, { leaderId: this.cluster.status().leaderId });
    };
    if (typeof target === 'number' || typeof target === 'string') {
      return this.withMember(String(target), (member) => transfer(member.id));
    }
    if (target !== undefined && target !== null) return badRequest("target must be a member's id or name");
    try {
      return await transfer();
    } catch (error) {
      return this.answerTo(error);
    }
  }

  private async withMember(
    idOrName: string,
    act: (member: MemberInfo) => Promise<HttpResponse>,
  ): Promise<HttpResponse> {
    try {
      const resolved = await this.resolve(idOrName);
      return 'refusal' in resolved ? resolved.refusal : await act(resolved.member);
    } catch (error) {
      return this.answerTo(error);
    }
  }

  /** An id goes before a name that looks like one. */
  private async resolve(idOrName: string): Promise<Resolved> {
    const members = await this.cluster.members();
    const member = members.find((one) => String(one.id) === idOrName) ?? members.find((one) => one.name === idOrName);
    if (member !== undefined) return { member };
    const names = members.map((one) => `${one.name} (${one.id})`).join(', ');
    const message = `there is no member ${JSON.stringify(idOrName)}; the members are ${names}`;
    return { refusal: answers.jsonError(404, 'member-not-found', message) };
  }

  private answerTo(error: unknown): HttpResponse {
    const answer = answers.jsonOfError(error);
    if (answer !== undefined) return answer;
    this.onFault(error);
    return answers.jsonError(500, 'internal', 'internal error');
  }
}

export function acceptsJson(request: HttpRequest): boolean {
  const { accept } = request.headers;
  return typeof accept === 'string' && accept.toLowerCase().includes('application/json');
}

function badRequest(message: string): HttpResponse {
  return answers.jsonError(400, 'invalid-argument', message);
}

function decodeObject(body: Uint8Array | undefined): Readonly<Record<string, unknown>> | undefined {
  if (body === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
