/** Asking the server: what a hand does to the cluster. */

/**
 * @param {string} name
 * @param {object} body
 * @returns {Promise<Record<string, any>>} what it answers; rejects with its own words when it refuses.
 */
export async function pull(name, body) {
  const response = await fetch(`/admin/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const answer = await response.json()
  if (!response.ok) throw Object.assign(new Error(answer.message ?? response.statusText), { code: answer.code })
  return answer
}

/**
 * For clicks: a refusal is told by the events, and there is nothing else to do about it.
 * @param {string} name
 * @param {object} body
 */
export function act(name, body) {
  void pull(name, body).catch(() => {})
}
