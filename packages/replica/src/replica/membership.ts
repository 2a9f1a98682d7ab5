/**
 * What a request to change the membership means, decided at the leader from the directory and the configuration.
 *
 * A member's name is its operator's; its id is given once. A data folder says who it is by its instance: the same name with
 * another instance is a member that lost its folder. It must not vote as if it still had its log (raft-bugs 35, 66), so its
 * old identity is removed and a new one added in the same configuration change.
 */
import { type ConfigChange, type ConfigState, isLearner, isVoter, type MemberId, majorityOf } from '@quorate/raft';
import { type Directory, type DirectoryMember, encodeMembers, type Publication } from './directory.js';
import { type Failure, failure } from './failure.js';
import { dialAddress, orderedPeerUrls, urlsOf } from './peer-urls.js';

export interface AddRequest {
  readonly name: string;
  readonly peerAddress: string;
  readonly clientAddress: string;
  /** '' if the caller names no data folder. */
  readonly instance: string;
  readonly promoteWhenCaughtUp: boolean;
}

/** A member by its URLs alone, as etcd adds one. */
export interface AdmitRequest {
  readonly peerUrls: readonly string[];
  readonly isLearner: boolean;
}

/** What the leader knows of the cluster's health when it decides. */
export interface ClusterView {
  readonly self: MemberId;
  readonly directory: Directory;
  readonly config: ConfigState;
  /** Heard from within an election timeout, or itself. */
  isActive(id: MemberId): boolean;
  /** Its connection broke, and nothing was heard from it since: whatever ran there is gone or cut off. */
  isUnreachable(id: MemberId): boolean;
}

export type AddPlan =
  | { readonly kind: 'exists'; readonly member: DirectoryMember }
  | {
      readonly kind: 'change';
      readonly change: ConfigChange;
      readonly member: DirectoryMember;
      readonly replaces: MemberId | undefined;
    }
  | Refused;

/** `transient`: for the silence of members that a new leader may only not have heard from yet. */
interface Refused {
  readonly kind: 'refused';
  readonly failure: Failure;
  readonly transient: boolean;
}

/** `newId` is an id that no member has or ever had. */
export function planAdd(view: ClusterView, request: AddRequest, newId: MemberId): AddPlan {
  const invalid = validate(request);
  if (invalid !== undefined) return { kind: 'refused', failure: invalid, transient: false };
  const present = view.directory.byName(request.name);
  if (present !== undefined && isSameFolder(present, request)) return { kind: 'exists', member: present };
  if (present !== undefined && view.isActive(present.id) && !view.isUnreachable(present.id)) {
    return refused('member-exists', `${request.name} is a member already and is running from another data folder`);
  }
  const neighbour = view.directory.byPeerAddress(request.peerAddress);
  if (neighbour !== undefined && neighbour.name !== request.name) {
    return refused('member-exists', `${request.peerAddress} is the address of ${neighbour.name}`);
  }
  const member: DirectoryMember = {
    id: newId,
    ...request,
    peerUrls: urlsOf(request.peerAddress),
    clientUrls: urlsOf(request.clientAddress),
  };
  const change: ConfigChange = {
    changes: [
      ...(present === undefined ? [] : [{ type: 'remove' as const, member: present.id }]),
      { type: 'add-learner', member: newId },
    ],
    transition: 'auto',
    context: encodeMembers([member]),
  };
  if (present !== undefined) {
    const unsafe = checkQuorum(view, change);
    if (unsafe !== undefined) return { kind: 'refused', failure: unsafe, transient: true };
  }
  return { kind: 'change', change, member, replaces: present?.id };
}

/**
 * etcd's rules for a member that is added by its URLs (contract 33; its strict-reconfig-check is always on here). A voter counts for
 * the quorum from the moment that it is added, so so many must have been started, and be up, that they are a quorum with it even
 * if it never comes. One exception, as in etcd: the second member of a cluster of one.
 */
export function planAdmit(view: ClusterView, request: AdmitRequest, newId: MemberId, learnersMax: number): AddPlan {
  const peerUrls = orderedPeerUrls(request.peerUrls);
  const peerAddress = dialAddress(peerUrls?.[0] ?? '');
  if (peerUrls === undefined || peerAddress === undefined) return invalidUrls(request.peerUrls);
  const neighbour = view.directory.byPeerUrls(peerUrls);
  if (neighbour !== undefined)
    return refused('member-exists', `${peerUrls.join(',')}: member ${neighbour.id} is there`);
  if (request.isLearner) {
    const learners = view.config.learners.length;
    if (learners >= learnersMax) {
      return refused('too-many-learners', `the cluster has ${learners} learners, at most ${learnersMax} are allowed`);
    }
  } else {
    const unsafe = checkVoterToCome(view);
    if (unsafe !== undefined) return unsafe;
  }
  const member: DirectoryMember = {
    id: newId,
    name: '',
    peerAddress,
    clientAddress: '',
    instance: '',
    promoteWhenCaughtUp: false,
    peerUrls,
    clientUrls: [],
  };
  const change: ConfigChange = {
    changes: [{ type: request.isLearner ? 'add-learner' : 'add-voter', member: newId }],
    transition: 'auto',
    context: encodeMembers([member]),
  };
  return { kind: 'change', change, member, replaces: undefined };
}

function checkVoterToCome(view: ClusterView): Refused | undefined {
  const { voters } = view.config;
  if (voters.length === 1) return undefined;
  const quorum = majorityOf(voters.length + 1);
  const started = voters.filter((id) => view.directory.get(id)?.name !== '').length;
  if (started < quorum) {
    return refused('not-enough-started', `${started} voters have been started; with another one ${quorum} are needed`);
  }
  const active = voters.filter((id) => view.isActive(id) && !view.isUnreachable(id)).length;
  if (active >= quorum) return undefined;
  return {
    ...refused('unhealthy', `${active} voters are up; with another one ${quorum} are needed`),
    transient: true,
  };
}

export type UpdatePlan = { readonly kind: 'update'; readonly publication: Publication } | Refused;

/** Other peer URLs for a member. */
export function planUpdate(view: ClusterView, id: MemberId, urls: readonly string[]): UpdatePlan {
  const peerUrls = orderedPeerUrls(urls);
  const peerAddress = dialAddress(peerUrls?.[0] ?? '');
  if (peerUrls === undefined || peerAddress === undefined) return invalidUrls(urls);
  if (view.directory.get(id) === undefined) return refused('member-not-found', `no member has the id ${id}`);
  const neighbour = view.directory.byPeerUrls(peerUrls, id);
  if (neighbour !== undefined)
    return refused('member-exists', `${peerUrls.join(',')}: member ${neighbour.id} is there`);
  return { kind: 'update', publication: { id, peerAddress, peerUrls } };
}

function invalidUrls(urls: readonly string[]): Refused {
  const message = `"${urls.join(',')}" are no peer URLs: http://host:port is expected, each once`;
  return { kind: 'refused', failure: failure('invalid-argument', 'invalid', message), transient: false };
}

export type ChangePlan =
  | { readonly kind: 'done' }
  | { readonly kind: 'change'; readonly change: ConfigChange; readonly event: 'member-promoted' | 'member-removed' }
  /** The leader is to be removed: it hands leadership over first, and the next leader removes it. */
  | { readonly kind: 'hand-over' }
  | Refused;

export function planPromote(
  view: ClusterView,
  id: MemberId,
  /** The learner's log against the leader's. */
  progress: { readonly match: number; readonly lastIndex: number } | undefined,
  /** A voter is refused too. */
  learnerOnly = false,
): ChangePlan {
  if (view.directory.get(id) === undefined) return refused('member-not-found', `no member has the id ${id}`);
  if (isVoter(view.config, id) && !learnerOnly) return { kind: 'done' };
  if (!isLearner(view.config, id)) return refused('not-a-learner', `member ${id} is not a learner`);
  if (progress === undefined || !view.isActive(id) || !isCaughtUp(progress)) {
    return {
      ...refused('member-not-caught-up', `member ${id} has not caught up with the leader's log`),
      transient: true,
    };
  }
  return { kind: 'change', change: singleChange('add-voter', id), event: 'member-promoted' };
}

/** etcd's rule (contract 34): a learner that has nine tenths of the leader's log may vote. */
function isCaughtUp(progress: { readonly match: number; readonly lastIndex: number }): boolean {
  return progress.match >= progress.lastIndex * 0.9;
}

export function planRemove(view: ClusterView, id: MemberId): ChangePlan {
  if (view.directory.get(id) === undefined) return refused('member-not-found', `no member has the id ${id}`);
  if (view.config.voters.length === 1 && isVoter(view.config, id)) {
    return refused('configuration-refused', 'the last voter cannot be removed');
  }
  const change = singleChange('remove', id);
  const unsafe = checkQuorum(view, change);
  if (unsafe !== undefined) return { kind: 'refused', failure: unsafe, transient: true };
  if (id === view.self) return { kind: 'hand-over' };
  return { kind: 'change', change, event: 'member-removed' };
}

/** After the change a majority of the voters must be up, or the cluster would stand still (etcd's strict-reconfig-check). */
function checkQuorum(view: ClusterView, change: ConfigChange): Failure | undefined {
  const removed = new Set(change.changes.filter((step) => step.type === 'remove').map((step) => step.member));
  const voters = view.config.voters.filter((id) => !removed.has(id));
  const active = voters.filter((id) => view.isActive(id)).length;
  const quorum = majorityOf(voters.length);
  if (active >= quorum) return undefined;
  return failure(
    'configuration-refused',
    'rejected',
    `only ${active} of the ${voters.length} voters that would remain are up; ${quorum} are needed`,
  );
}

function singleChange(type: 'add-voter' | 'remove', member: MemberId): ConfigChange {
  return { changes: [{ type, member }], transition: 'auto', context: new Uint8Array(0) };
}

function isSameFolder(present: DirectoryMember, request: AddRequest): boolean {
  if (request.instance === '') return present.peerAddress === request.peerAddress;
  return present.instance === request.instance;
}

function validate(request: AddRequest): Failure | undefined {
  if (request.name === '') return failure('invalid-argument', 'invalid', 'a member needs a name');
  const { peerAddress, clientAddress } = request;
  // One without a client address tells it when it comes.
  const addresses = [peerAddress, ...(clientAddress === '' ? [] : [clientAddress])];
  const wrong = addresses.find((address) => !/^.+:\d{1,5}$/.test(address));
  if (wrong === undefined) return undefined;
  return failure('invalid-argument', 'invalid', `"${wrong}" is not an address: host:port is expected`);
}

function refused(code: Failure['code'], message: string): Refused {
  return { kind: 'refused', failure: failure(code, 'rejected', message), transient: false };
}
