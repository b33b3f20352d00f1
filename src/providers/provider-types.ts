// Made by `npm run docs` from the declarations in src/providers/. Change them there.

/** A provider whose webhooks Lull reads. */
export type KnownProvider =
  | 'meta'
  | 'green-api'
  | 'waha'
  | 'evolution'
  | 'twilio'
  | 'wazzup'
  | 'wwebjs'
  | 'wppconnect'
  | 'chatapp'
  | 'generic'

/** Whose messages these are. Other names are those of channels of your own, which append by `Batcher` or the API. */
export type ProviderName = KnownProvider | (string & {})

/**
 * The secret of each provider, as `webhook({ providers })` takes them. A provider that is not named is refused; a secret
 * that is given but empty or `undefined` throws a `TypeError`.
 */
export type ProvidersOptions = {
  /** Webhooks of Meta Cloud API. */
  meta?: {
    /** Meta’s app secret, with which it signs each webhook. */
    appSecret?: string | undefined
    /** The words that Meta repeats in its GET when it verifies the address. */
    verifyToken?: string | undefined
    /** In place of a secret: its webhooks are accepted without a signature. */
    unsigned?: true
  }
  /** Webhooks of Green-API. */
  greenApi?: {
    /** The instance’s `webhookUrlToken`. */
    webhookToken?: string | undefined
    /** In place of a secret: its webhooks are accepted without a signature. */
    unsigned?: true
  }
  /** Webhooks of WAHA. */
  waha?: {
    /** The key of the session’s webhook (`hmac.key`), with which WAHA signs the body. */
    hmacKey?: string | undefined
    /** In place of a secret: its webhooks are accepted without a signature. */
    unsigned?: true
  }
  /** Webhooks of Evolution API. */
  evolution?: {
    /** The word in the webhook’s header `apikey` or `Authorization: Bearer`, or its `jwt_key`. */
    apiKey?: string | undefined
    /** In place of a secret: its webhooks are accepted without a signature. */
    unsigned?: true
  }
  /** Webhooks of Twilio. */
  twilio?: {
    /** The account’s auth token. */
    authToken?: string | undefined
    /** The API’s address as providers see it, `https://your.host`, without the route’s path. Twilio signs it. */
    publicUrl?: string | undefined
    /** In place of a secret: its webhooks are accepted without a signature. */
    unsigned?: true
  }
  /** Webhooks of Wazzup24. */
  wazzup?: {
    /** The `crmKey` that Wazzup has of you. */
    crmKey?: string | undefined
    /** In place of a secret: its webhooks are accepted without a signature. */
    unsigned?: true
  }
  /** Webhooks of wwebjs-api. */
  wwebjs?: {
    /** The `API_KEY` of wwebjs-api, which it sends as `x-api-key`. */
    apiKey?: string | undefined
    /** In place of a secret: its webhooks are accepted without a signature. */
    unsigned?: true
  }
  /** Webhooks of WPPConnect server. */
  wppconnect?: {
    /** In place of a secret: its webhooks are accepted without a signature. */
    unsigned?: true
  }
  /** Webhooks of ChatApp. */
  chatapp?: {
    /** In place of a secret: its webhooks are accepted without a signature. */
    unsigned?: true
  }
  /** Webhooks of any other channel, in the generic shape. */
  generic?: {
    /** In place of a secret: its webhooks are accepted without a signature. */
    unsigned?: true
  }
  /**
   * The names of providers whose webhooks are accepted without a signature, or `all` of them. The same as `unsigned:
   * true` in each.
   */
  allowUnsigned?: 'all' | readonly ProviderName[]
}
