// The page shown while there is no Worker to ask: it says why, and reloads itself when there may be one again.

/** Milliseconds after which the page asks again. */
const reloadAfter = 1_000;

export interface Failure {
  title: string;
  /** Plain text, such as a compiler's message. */
  detail: string;
}

export function errorPage({ title, detail }: Failure): string {
  return `<!doctype html>
<meta charset="utf-8"><title>${escape(title)}</title>
<style>body{font:16px/1.5 system-ui;margin:3rem auto;max-width:60rem;padding:0 1rem}pre{background:#f4f4f5;padding:1rem;overflow:auto}</style>
<h1>${escape(title)}</h1>
<pre>${escape(detail)}</pre>
<script>setTimeout(() => location.reload(), ${reloadAfter})</script>
`;
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
