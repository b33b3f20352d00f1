/** The page's words in English and Russian, and how it writes numbers, times and durations. */

const en = {
  skip: 'To the content',
  play: 'Playground',
  live: 'Live',
  trace: 'Trace',
  queue: 'Queue',
  otherLanguage: 'Русский',
  connecting: 'connecting …',
  connected: 'connected',
  noStore: 'no Redis',
  lost: 'connection lost',
  lostSince: 'The connection to Lull was lost at {0}. What you see is from then; the page keeps trying.',
  noToken: 'The token is not valid any more: open the link that lull up printed, or reload and enter the token.',
  storeTrouble: 'Redis can not be used now: {0}',
  stands: '{0} · database {1} · prefix {2}',
  embedded: 'in memory: nothing outlives this process',
  hidden: '(hidden)',
  failed: 'It did not work: {0}',

  playTitle: 'Write as people do: in bursts',
  playLead:
    'Type as any of these people: each line is a message. Lull waits for {0} of silence ({1} at most), hands the batch over as one, and holds what comes next until that is answered. These are real messages on their real way through this system.',
  ownWorker:
    'Batches go to this system’s own worker, from conversations named “playground/…”. If it writes to customers by their chat id, it will try to.',
  ownWorkerYes: 'Play all the same',
  notBatching: 'LULL_BATCHING is off: every message goes alone, at once.',
  say: 'Message, or several lines',
  write: 'Message …',
  send: 'Send',
  typingSign: 'Typing',
  typingTitle: 'Send a sign of typing: the batch waits a little longer',
  again: 'Deliver again',
  againTitle: 'What providers do: deliver the last message a second time',
  story: 'Tell a story',
  storyTitle: 'Four messages, one of them delivered twice, and an afterthought while the answer is pending',
  restart: 'Restart the thirty lines',
  restartTitle: 'As at a deployment: what they had only in memory is gone. Lull’s messages are in Redis.',
  thirtyLines: 'Thirty lines of setTimeout would say',
  thirtyNothing: 'nothing yet',
  thirtyWaits: 'waits for silence: {0}',
  thirtyAnswer: 'answers: “{0}”',
  thirtyOverlap: 'while it still answers the one before',
  thirtyTwice: 'a message that came twice is in it twice',
  thirtyEarly: 'though the person was typing',
  thirtyForgot: 'restarted: {0} forgotten, nobody answers',
  collecting: 'collecting',
  dueIn: 'goes in {0}',
  atMost: 'at most {0}',
  heldBack: 'waits for the answer to the batch before',
  heldDue: 'complete; waits for the answer to the batch before',
  isDue: 'due',
  released: 'Released as one: {0}. {1}, {2} late.',
  thinking: 'the answer is pending …',
  tryingAgain: 'handover failed; it will be tried again: {0}',
  died: 'the handover failed for good: {0}',
  answerTo: 'One answer to {0}: “{1}”',
  answeredAfter: 'Answered after {0}',
  answeredSomewhen: 'Answered',
  answeredNot: 'The work on it ended without an answer: {0}',
  duplicate: 'came twice: counted and dropped',
  extendedBy: 'typing: {0} longer',
  seeTrace: 'trace',
  storyLines: ['hi', 'I’d like to order', 'a cake', 'for Saturday', 'and candles, please'],
  people: ['Anna', 'Boris', 'Clara'],
  notSent: 'not taken: {0}',

  liveTitle: 'Live',
  open: 'open conversations',
  held: 'being answered',
  dead: 'dead batches',
  perMinute: 'released in the last minute',
  lateness: 'late, p50 / p99',
  latenessOf: 'of {0} in 10 minutes',
  queueTile: 'queue: waiting / active',
  queueFailed: '{0} failed',
  unknown: 'not known',
  oldest: 'oldest due for {0}',
  chart: 'Releases a minute, by reason',
  chartNow: 'now',
  chartEmpty: 'Nothing was released in the last 30 minutes.',
  chartUnknown: 'not known: before the steps that the page has read',
  allWell: 'All is well: nothing overdue, nothing dead, nothing refused in the last 10 minutes.',
  overdue: 'A batch has been due for {0} and nobody takes it. Does a processor run? lull doctor says more.',
  deadAre: '{0}: the handover failed for good. The reason is below; hand over again when it is mended.',
  queueUnknown: 'The queue can not be looked at: {0}',
  nobodyWorks: '{0} in the queue and nobody works on them. Does a worker run?',
  refusedAre: 'Webhooks of {0} are refused, last at {1}: {2}.',
  conversations: 'Open conversations',
  filter: 'Filter',
  conversation: 'conversation',
  messagesHead: 'messages',
  goes: 'goes',
  none: 'Nothing waits.',
  shown: '{0} of {1}',
  answering: 'being answered for {0}',
  claimed: 'handed over for {0}',
  waitsBehind: 'next one waits: {0}',
  now: 'now',
  deadTitle: 'Dead batches',
  deadNone: 'None: every handover came through.',
  deadAfter: 'after {0}: {1}',
  redrive: 'Hand over again',
  redriven: 'Handed over again.',
  webhooks: 'Webhooks',
  webhooksLead: 'What this API process took last; refusals of all of them.',
  webhooksNone: 'None so far.',
  provider: 'provider',
  accepted: 'last accepted',
  refused: 'last refused',
  counts: '{0} new, {1} seen before, {2} ignored',
  summed: 'Too fast to show each step: {0} were summed up.',

  traceTitle: 'Trace',
  traceLead: 'Who took a conversation’s batches, when, and why then.',
  traceId: 'Conversation',
  traceShow: 'Show',
  traceNone: 'The history holds nothing of {0}.',
  traceCount: '{0}, the newest first',
  traceBatch: 'Batch {0}',
  takenBy: 'Taken by {0} at {1}, as {2}; {3} late.',
  takenNot: 'Not taken by anybody so far.',
  takenDropped: 'Discarded before anybody took it.',
  lifeDied: 'Its handover failed for good: {0}',
  phaseCollect: 'collecting',
  phaseQuiet: 'quiet gap',
  phaseHeld: 'held by the batch before',
  phaseOverdue: 'due, and nobody takes it',
  phaseLate: 'late',
  phaseHandover: 'handover',
  phaseAnswer: 'being answered',
  steps: 'Every step',
  stepBy: 'by {0}',
  stepLate: '{0} late',
  stepLonger: 'typing: due {0} later',
  stepAttempt: 'attempt {0}',
  stepAgain: 'again in {0}',
  stepTooLate: 'late',
  picture: 'Timeline of {0} from the first message: {1}',

  rejections: {
    missing: 'it was not signed',
    mismatch: 'its signature or token is another’s',
    unsigned: 'this provider has no secret here, while another one has',
    verify_token: 'the verify token is another one',
  },
  reasons: {
    gap: 'the quiet gap had ended',
    maxWait: 'the max wait was reached',
    maxMessages: 'it held as many messages as a batch may',
    maxBytes: 'it held as many bytes as a batch may',
    flush: 'it was flushed',
    recovery: 'its header was lost',
    direct: 'it came by the direct path',
  },
  outcomes: {
    completed: 'completed',
    failed: 'failed',
    timeout: 'not answered in time',
  },
  message: { one: '{0} message', other: '{0} messages' },
  job: { one: '{0} job waits', other: '{0} jobs wait' },
  deadBatch: { one: '{0} dead batch', other: '{0} dead batches' },
  batchCount: { one: '{0} batch', other: '{0} batches' },
  batchMessages: { one: '{0} message', other: '{0} messages' },
  attempt: { one: '{0} attempt', other: '{0} attempts' },
  batch: { one: '{0} batch', other: '{0} batches' },
  units: ['ms', 's', 'min', 'h'],
}

const ru = {
  skip: 'К содержанию',
  play: 'Площадка',
  live: 'Сейчас',
  trace: 'След',
  queue: 'Очередь',
  otherLanguage: 'English',
  connecting: 'соединение …',
  connected: 'на связи',
  noStore: 'нет Redis',
  lost: 'связь потеряна',
  lostSince: 'Связь с Lull потеряна в {0}. На странице то, что было тогда; попытки продолжаются.',
  noToken:
    'Токен больше не действует: откройте ссылку, которую напечатал lull up, или обновите страницу и введите токен.',
  storeTrouble: 'Redis сейчас недоступен: {0}',
  stands: '{0} · база {1} · префикс {2}',
  embedded: 'в памяти: после остановки процесса ничего не останется',
  hidden: '(скрыто)',
  failed: 'Не получилось: {0}',

  playTitle: 'Пишите как люди: одно за другим',
  playLead:
    'Пишите за любого из этих людей: каждая строка — сообщение. Lull ждёт {0} тишины (не дольше {1}), отдаёт пачку целиком, а следующую придерживает до ответа. Это настоящие сообщения, они идут настоящим путём через эту систему.',
  ownWorker:
    'Пачки уйдут собственному обработчику этой системы, из бесед «playground/…». Если он пишет клиентам по номеру чата, он попробует и здесь.',
  ownWorkerYes: 'Всё равно играть',
  notBatching: 'LULL_BATCHING выключен: каждое сообщение уходит сразу и одно.',
  say: 'Сообщение или несколько строк',
  write: 'Сообщение …',
  send: 'Отправить',
  typingSign: 'Печатает',
  typingTitle: 'Послать знак «печатает»: пачка подождёт чуть дольше',
  again: 'Доставить ещё раз',
  againTitle: 'Как делают провайдеры: последнее сообщение приходит второй раз',
  story: 'Показать историю',
  storyTitle: 'Четыре сообщения, одно доставлено дважды, и добавка, пока ответ ещё готовится',
  restart: 'Перезапустить тридцать строк',
  restartTitle: 'Как при выкладке: что было только в памяти, пропало. Сообщения Lull — в Redis.',
  thirtyLines: 'Тридцать строк с setTimeout:',
  thirtyNothing: 'пока ничего',
  thirtyWaits: 'ждут тишины: {0}',
  thirtyAnswer: 'отвечают: «{0}»',
  thirtyOverlap: 'хотя ещё отвечают на предыдущее',
  thirtyTwice: 'сообщение, пришедшее дважды, стоит в нём дважды',
  thirtyEarly: 'хотя человек ещё печатал',
  thirtyForgot: 'перезапуск: забыто {0}, никто не ответит',
  collecting: 'собирается',
  dueIn: 'уйдёт через {0}',
  atMost: 'самое позднее через {0}',
  heldBack: 'ждёт ответа на предыдущую пачку',
  heldDue: 'собрана; ждёт ответа на предыдущую пачку',
  isDue: 'пора',
  released: 'Ушло вместе: {0}. {1}, опоздание {2}.',
  thinking: 'ответ готовится …',
  tryingAgain: 'передать не удалось, будет повтор: {0}',
  died: 'передать не удалось окончательно: {0}',
  answerTo: 'Один ответ на {0}: «{1}»',
  answeredAfter: 'Ответ через {0}',
  answeredSomewhen: 'Ответ дан',
  answeredNot: 'Обработка закончилась без ответа: {0}',
  duplicate: 'пришло дважды: учтено и отброшено',
  extendedBy: 'печатает: на {0} дольше',
  seeTrace: 'след',
  storyLines: ['привет', 'хочу заказать', 'торт', 'на субботу', 'и свечи, пожалуйста'],
  people: ['Анна', 'Борис', 'Клара'],
  notSent: 'не принято: {0}',

  liveTitle: 'Сейчас',
  open: 'открытых бесед',
  held: 'ждут ответа',
  dead: 'мёртвых пачек',
  perMinute: 'ушло за минуту',
  lateness: 'опоздание, p50 / p99',
  latenessOf: 'по {0} за 10 минут',
  queueTile: 'очередь: ждут / в работе',
  queueFailed: 'с ошибкой: {0}',
  unknown: 'неизвестно',
  oldest: 'старейшей пора уже {0}',
  chart: 'Ушло за минуту, по причинам',
  chartNow: 'сейчас',
  chartEmpty: 'За последние 30 минут ничего не уходило.',
  chartUnknown: 'неизвестно: раньше шагов, которые страница прочла',
  allWell: 'Всё в порядке: ничто не просрочено, не умерло и за 10 минут не отвергнуто.',
  overdue: 'Пачке пора уже {0}, и никто её не забирает. Работает ли processor? Подробнее скажет lull doctor.',
  deadAre: '{0}: передать не удалось окончательно. Причина ниже; когда она устранена, передайте снова.',
  queueUnknown: 'В очередь не заглянуть: {0}',
  nobodyWorks: 'В очереди {0}, и никто их не берёт. Работает ли worker?',
  refusedAre: 'Вебхуки {0} отвергаются, последний в {1}: {2}.',
  conversations: 'Открытые беседы',
  filter: 'Фильтр',
  conversation: 'беседа',
  messagesHead: 'сообщений',
  goes: 'уйдёт',
  none: 'Ничто не ждёт.',
  shown: '{0} из {1}',
  answering: 'ждёт ответа {0}',
  claimed: 'передаётся {0}',
  waitsBehind: 'за ней ждёт: {0}',
  now: 'сейчас',
  deadTitle: 'Мёртвые пачки',
  deadNone: 'Нет: все переданы.',
  deadAfter: '{0}: {1}',
  redrive: 'Передать снова',
  redriven: 'Передаётся снова.',
  webhooks: 'Вебхуки',
  webhooksLead: 'Что последним принял этот процесс API; отказы — всех процессов.',
  webhooksNone: 'Пока ни одного.',
  provider: 'провайдер',
  accepted: 'последний принятый',
  refused: 'последний отвергнутый',
  counts: 'новых {0}, повторных {1}, пропущено {2}',
  summed: 'Слишком быстро, чтобы показать каждый шаг: сведено {0}.',

  traceTitle: 'След',
  traceLead: 'Кто забрал пачки беседы, когда и почему именно тогда.',
  traceId: 'Беседа',
  traceShow: 'Показать',
  traceNone: 'В истории ничего нет о {0}.',
  traceCount: '{0}, новые сверху',
  traceBatch: 'Пачка {0}',
  takenBy: 'Забрал {0} в {1}: {2}; опоздание {3}.',
  takenNot: 'Пока никто не забрал.',
  takenDropped: 'Отброшена, пока никто не забрал.',
  lifeDied: 'Передать её не удалось окончательно: {0}',
  phaseCollect: 'собирается',
  phaseQuiet: 'тишина',
  phaseHeld: 'ждёт ответа на предыдущую',
  phaseOverdue: 'пора, но никто не забирает',
  phaseLate: 'опоздание',
  phaseHandover: 'передача',
  phaseAnswer: 'готовится ответ',
  steps: 'Все шаги',
  stepBy: 'процесс {0}',
  stepLate: 'опоздание {0}',
  stepLonger: 'печатает: срок на {0} позже',
  stepAttempt: 'попытка {0}',
  stepAgain: 'снова через {0}',
  stepTooLate: 'с опозданием',
  picture: 'Ход пачки {0} от первого сообщения: {1}',

  rejections: {
    missing: 'без подписи',
    mismatch: 'подпись или токен не те',
    unsigned: 'у этого провайдера здесь нет секрета, а у другого есть',
    verify_token: 'verify token не тот',
  },
  reasons: {
    gap: 'наступила тишина',
    maxWait: 'вышло наибольшее ожидание',
    maxMessages: 'больше сообщений в пачку не входит',
    maxBytes: 'больше байтов в пачку не входит',
    flush: 'её выпустили вручную',
    recovery: 'заголовок был потерян',
    direct: 'пришла прямым путём',
  },
  outcomes: {
    completed: 'сделано',
    failed: 'не удалось',
    timeout: 'не отвечено в срок',
  },
  message: { one: '{0} сообщение', few: '{0} сообщения', many: '{0} сообщений', other: '{0} сообщения' },
  job: { one: '{0} задание', few: '{0} задания', many: '{0} заданий', other: '{0} задания' },
  deadBatch: {
    one: '{0} мёртвая пачка',
    few: '{0} мёртвые пачки',
    many: '{0} мёртвых пачек',
    other: '{0} мёртвой пачки',
  },
  batchCount: { one: '{0} пачка', few: '{0} пачки', many: '{0} пачек', other: '{0} пачки' },
  batchMessages: { one: '{0} сообщение', few: '{0} сообщения', many: '{0} сообщений', other: '{0} сообщения' },
  attempt: {
    one: 'после {0} попытки',
    few: 'после {0} попыток',
    many: 'после {0} попыток',
    other: 'после {0} попытки',
  },
  batch: { one: '{0} пачке', few: '{0} пачкам', many: '{0} пачкам', other: '{0} пачки' },
  units: ['мс', 'с', 'мин', 'ч'],
}

export const languages = { en, ru }
const STORED_AS = 'lull-language'

let name = remembered() ?? (navigator.languages.some(language => language.startsWith('ru')) ? 'ru' : 'en')

/** The language that was chosen here before. Storage may be forbidden: then there is none. */
function remembered() {
  try {
    const stored = localStorage.getItem(STORED_AS)
    return stored !== null && Object.hasOwn(languages, stored) ? stored : undefined
  } catch {
    return undefined
  }
}

export const language = () => name

export function switchLanguage() {
  name = name === 'en' ? 'ru' : 'en'
  try {
    localStorage.setItem(STORED_AS, name)
  } catch {
    // It is asked for again next time.
  }
}

/** The words for `key`, with `{0}`, `{1}` … replaced. */
export const t = (key, ...values) => fill(languages[name][key] ?? key, values)

/** A list or a table of words. */
export const words = key => languages[name][key]

/** `4 messages`: `what` names the forms. */
export function counted(what, number) {
  const forms = languages[name][what]
  const form = forms[new Intl.PluralRules(name).select(number)] ?? forms.other
  return fill(form, [number.toLocaleString(name)])
}

/** Why a webhook was refused. */
export const rejection = key => languages[name].rejections[key] ?? key

/** How the work on a batch ended. */
export const outcome = key => languages[name].outcomes[key] ?? key

export const reason = key => languages[name].reasons[key] ?? key

const fill = (text, values) => text.replace(/\{(\d)\}/g, (_, i) => String(values[i] ?? ''))

export const numberText = number => number.toLocaleString(name)

/** `4 ms`, `1.97 s`, `12.4 s`, `3 min 5 s` */
export function duration(ms) {
  const [millisecond, second, minute, hour] = languages[name].units
  const decimals = (value, digits) =>
    value.toLocaleString(name, { minimumFractionDigits: digits, maximumFractionDigits: digits })
  if (ms < 1000) return `${Math.round(ms)} ${millisecond}`
  if (ms < 10_000) return `${decimals(ms / 1000, 2)} ${second}`
  if (ms < 60_000) return `${decimals(ms / 1000, 1)} ${second}`
  const [large, small, ofLarge, ofSmall] =
    ms < 3_600_000 ? [60_000, 1000, minute, second] : [3_600_000, 60_000, hour, minute]
  const rest = Math.floor((ms % large) / small)
  return `${Math.floor(ms / large)} ${ofLarge}${rest ? ` ${rest} ${ofSmall}` : ''}`
}

/** A countdown: whole seconds, tenths in the last ten. */
export function countdown(ms) {
  const seconds = Math.max(ms, 0) / 1000
  if (seconds >= 60) return duration(Math.ceil(seconds) * 1000)
  const digits = seconds < 10 ? 1 : 0
  return `${seconds.toLocaleString(name, { minimumFractionDigits: digits, maximumFractionDigits: digits })} ${languages[name].units[1]}`
}

/** A rule as people say it: `10 s`. */
export const round = ms => (ms < 60_000 && ms % 1000 === 0 ? `${ms / 1000} ${languages[name].units[1]}` : duration(ms))

export const dayOf = atMs =>
  new Date(atMs).toLocaleDateString(name, { day: 'numeric', month: 'short', year: 'numeric' })

/** The time, and the day unless it is today. */
export const when = atMs => (dayOf(atMs) === dayOf(Date.now()) ? timeOfDay(atMs) : `${dayOf(atMs)}, ${timeOfDay(atMs)}`)

/** `06:12:03`, with `.021` where the millisecond matters. */
export function timeOfDay(atMs, { exact = false } = {}) {
  const at = new Date(atMs)
  const two = number => String(number).padStart(2, '0')
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  return exact ? `${time}.${String(at.getMilliseconds()).padStart(3, '0')}` : time
}
