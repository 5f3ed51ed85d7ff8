export type Awaitable<T> = T | PromiseLike<T>
