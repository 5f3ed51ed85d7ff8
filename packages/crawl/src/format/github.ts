import type { Problem } from '../report/problems.ts'
import { sourceList } from './problem-text.ts'

/** Returns problems as commands from which GitHub's runner makes annotations, one on a line. */
export function toGithub(problems: readonly Problem[]): string {
  return problems
    .map(problem => {
      const command = problem.isBroken ? 'error' : 'warning'
      const text = `${problem.url} <- ${sourceList(problem, source => source)}`
      return `::${command} title=${property(problem.error)}::${data(text)}\n`
    })
    .join('')
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
