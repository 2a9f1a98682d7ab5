/** What a member has to tell the cluster about itself, held against what the directory says already. */
import type { AdminOperation } from './admin.js';
import type { Directory, DirectoryMember, Publication } from './directory.js';
import { urlsOf } from './peer-urls.js';
import type { ReplicaOptions } from './replica-options.js';

export type Publisher = Pick<
  ReplicaOptions,
  'memberId' | 'name' | 'peerAddress' | 'clientAddress' | 'clientUrls' | 'folderOfGivenId'
>;

/** Tells the others under which addresses this member is reached now, whenever the directory says otherwise. */
export class Publishing {
  readonly #publisher: Publisher;
  readonly #administer: (operation: AdminOperation, done: () => void) => void;
  #isUnderWay = false;

  constructor(publisher: Publisher, administer: (operation: AdminOperation, done: () => void) => void) {
    this.#publisher = publisher;
    this.#administer = administer;
  }

  /** To be called while there is a leader. */
  tick(directory: Directory): void {
    if (this.#isUnderWay) return;
    const known = directory.get(this.#publisher.memberId);
    const publication = known && publicationOf(this.#publisher, known);
    if (publication === undefined) return;
    this.#isUnderWay = true;
    this.#administer({ kind: 'publish', publication }, () => {
      this.#isUnderWay = false;
    });
  }
}

/** Undefined: the directory says it already. */
export function publicationOf(publisher: Publisher, known: DirectoryMember): Publication | undefined {
  const { memberId: id, name, peerAddress, clientAddress, folderOfGivenId: instance } = publisher;
  const clientUrls = publisher.clientUrls ?? urlsOf(clientAddress);
  const isSaid =
    known.name === name && known.clientAddress === clientAddress && clientUrls.join(',') === known.clientUrls.join(',');
  if (instance === undefined) {
    if (isSaid && known.peerAddress === peerAddress) return undefined;
    return { id, name, peerAddress, clientAddress, clientUrls };
  }
  return isSaid && known.instance === instance ? undefined : { id, name, clientAddress, clientUrls, instance };
}
