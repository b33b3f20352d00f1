/** The page that asks for the token, in the reader's language; without this script it is in English. */
import { startLanguage } from './languages.js'
import { t } from './words.js'

await startLanguage()
for (const element of document.querySelectorAll('[data-t]')) element.textContent = t(element.dataset.t)
