/** What a member has to tell the cluster about itself, held against what the directory says already. */
import type { DirectoryMember, Publication } from './directory.js';
import { urlsOf } from './peer-urls.js';
import type { ReplicaOptions } from './replica-options.js';

export type Publisher = Pick<
  ReplicaOptions,
  'memberId' | 'name' | 'peerAddress' | 'clientAddress' | 'clientUrls' | 'folderOfGivenId'
>;

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
