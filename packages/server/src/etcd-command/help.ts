/** What `quorate-etcd --help` prints: etcd's flags by what is done with them. */
import { type EtcdFlag, etcdFlags, type FlagStanding } from './flags.js';

const HEADINGS: Readonly<Record<FlagStanding, string>> = {
  supported: 'Supported:',
  ignored: 'Ignored, with a warning if another value than etcd’s default is given:',
  refused: 'Refused, if another value than etcd’s default is given:',
};

export function helpText(): string {
  const sections = (['supported', 'ignored', 'refused'] as const).map((standing) => {
    const flags = etcdFlags.filter((flag) => flag.standing === standing);
    return `${HEADINGS[standing]}\n${flags.map(flagText).join('')}`;
  });
  return `Usage:

  quorate-etcd [flags]
    Start a member of a Quorate cluster in etcd's place: with etcd's flags, or its ETCD_* variables.

  quorate-etcd --version
    Show the versions.

  quorate-etcd -h | --help
    Show this.

${sections.join('\n')}`;
}

function flagText({ name, default: value, remark }: EtcdFlag): string {
  return `  --${name} '${value}'\n${remark === '' ? '' : `    ${remark}\n`}`;
}
