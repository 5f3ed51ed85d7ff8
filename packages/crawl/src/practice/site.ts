import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'

/** How the site behaves. */
export interface PracticeOptions {
  /** The delay before each answer, in milliseconds. Default: 100. */
  latencyMs?: number
  /** The delay before the answer of the one slow page, in milliseconds. Default: 600. */
  slowMs?: number
}

interface Lesson {
  path: string
  title: string
  links: string[]
}

const COURSES: Readonly<Record<string, readonly string[]>> = {
  'python-basic': ['variables', 'loops', 'functions', 'modules', 'files', 'errors', 'classes', 'zip-and-map'],
  'data-manipulation': ['arrays', 'tables', 'plots', 'scraping-intro', 'scraping-multiprocess', 'regular-expressions'],
  'machine-learning': [
    'linear-regression',
    'decision-trees',
    'clustering',
    'neural-networks',
    'evaluation',
    'gradients'
  ],
  parallel: ['threads', 'processes', 'pools', 'queues', 'pipes', 'locks', 'shared-memory'],
  others: ['git', 'linux', 'editors', 'testing', 'regular-habits']
}

/**
 * Returns the server of a small site for practice, similar to a tutorial's site: courses and lessons that link to one another, each with an
 * `h1` and an `og:url`. It has what a crawler meets elsewhere, too: several spellings of one address, redirects, dead links, a page that
 * fails, one that is slow, one that is not HTML, one in an old encoding, one that robots.txt forbids, a link that leaves the site, a chain
 * of redirects, an endless calendar, and a sitemap with a page that no page links to. The server does not listen yet.
 */
export function createPracticeSite({ latencyMs = 100, slowMs = 600 }: PracticeOptions = {}): Server {
  const lessons = new Map(buildLessons().map(lesson => [lesson.path, lesson]))
  const answer: RequestListener = (request, response) => {
    const origin = `http://${request.headers.host}`
    const { pathname } = new URL(request.url ?? '/', origin)
    const wait = pathname === '/robots.txt' ? 0 : pathname === SLOW_PAGE ? slowMs : latencyMs
    const timer = setTimeout(() => respond(response, lessons, pathname, origin), wait)
    response.on('close', () => clearTimeout(timer))
  }
  return createServer(answer)
}

/** Two redirects, one after another. */
const REDIRECTS: Readonly<Record<string, string>> = {
  '/courses/': '/all-courses/',
  '/all-courses/': '/tutorials/',
  '/welcome/': '/greeting/',
  '/greeting/': '/contact/'
}
/** Below this path there are endless pages: each links to a next one. */
const CALENDAR = '/calendar/'
/** A page that only the sitemap names. */
const ORPHAN = '/press/'
const SLOW_PAGE = '/tutorials/data-manipulation/scraping-multiprocess/'
const OLD_ENCODING_PAGE = '/about/'

function respond(response: ServerResponse, lessons: Map<string, Lesson>, path: string, origin: string): void {
  const send = (status: number, type: string, body: string | Buffer) =>
    response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body)

  const lesson = lessons.get(path)
  if (path === '/robots.txt') {
    send(200, 'text/plain', `User-agent: *\nDisallow: /drafts/\nSitemap: ${origin}/sitemap.xml\n`)
  } else if (path === '/sitemap.xml') send(200, 'application/xml', sitemap(origin))
  else if (path in REDIRECTS) response.writeHead(302, { location: REDIRECTS[path], 'content-length': 0 }).end()
  else if (path.startsWith(CALENDAR)) send(200, 'text/html; charset=utf-8', calendarPage(path))
  else if (lessons.has(`${path}/`)) response.writeHead(301, { location: `${path}/`, 'content-length': 0 }).end()
  else if (path === '/downloads/handout.pdf') send(200, 'application/pdf', '%PDF-1.4\n')
  else if (path === '/search/') send(500, 'text/html', '<h1>Something broke</h1>')
  else if (!lesson) send(404, 'text/html', '<h1>There is no such page</h1>')
  else if (path === OLD_ENCODING_PAGE) {
    send(200, 'text/html; charset=windows-1252', Buffer.from(toHtml(lesson, origin), 'latin1'))
  } else send(200, 'text/html; charset=utf-8', toHtml(lesson, origin))
}

function buildLessons(): Lesson[] {
  const courses = Object.keys(COURSES)
  const lessons: Lesson[] = [
    {
      path: '/',
      title: 'Practice site',
      links: [
        '/tutorials/',
        '/about/',
        '/about/#authors',
        '/search/',
        '/downloads/handout.pdf',
        '/courses/',
        '/welcome/',
        '/calendar/',
        'https://example.com/'
      ]
    },
    { path: '/contact/', title: 'Contact', links: ['/', '/team/'] },
    { path: ORPHAN, title: 'Press', links: ['/', '/about/'] },
    { path: '/tutorials/', title: 'Tutorials', links: courses.map(course => `/tutorials/${course}/`) },
    // Without an h1, so it is known by its title.
    { path: '/about/', title: 'À propos de ce café', links: ['/', '/drafts/next-course/', '/team/'] },
    { path: '/team/', title: 'Team', links: ['/about', 'mailto:team@example.com'] }
  ]
  for (const [number, course] of courses.entries()) {
    const home = `/tutorials/${course}/`
    const parts = COURSES[course]
    lessons.push({
      path: home,
      title: heading(course),
      // The same lessons in several spellings, as they accumulate on real sites.
      links: [
        ...parts.map(part => `${home}${part}/`),
        `${home}${parts[0]}`,
        `${home}./${parts[1]}/`,
        `${home}${parts[2]}/#summary`,
        `${home}no-longer-here/`
      ]
    })
    for (const [index, part] of parts.entries()) {
      const neighbours = [parts[index - 1], parts[index + 1]].filter(name => name !== undefined)
      const other = courses[(number + 1) % courses.length]
      lessons.push({
        path: `${home}${part}/`,
        title: heading(part),
        links: [
          ...neighbours.map(name => `../${name}/`),
          home,
          '/',
          `/tutorials/${other}/${COURSES[other][index % COURSES[other].length]}/`,
          ...(index === 3 ? [`${home}${part}/exercises/`] : [])
        ]
      })
      if (index === 3) {
        lessons.push({ path: `${home}${part}/exercises/`, title: `${heading(part)}: exercises`, links: ['../', home] })
      }
    }
  }
  return lessons
}

function sitemap(origin: string): string {
  const urls = ['/', '/tutorials/', ORPHAN].map(path => `<url><loc>${origin}${path}</loc></url>`)
  return `<?xml version="1.0"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${urls.join('')}</urlset>\n`
}

function calendarPage(path: string): string {
  const week = path.split('/').length - 2
  return `<!DOCTYPE html>\n<html lang="en"><title>Week ${week} | Practice site</title><h1>Week ${week}</h1><a href="next/">Next week</a></html>\n`
}

function heading(name: string): string {
  const words = name.replaceAll('-', ' ')
  return words[0].toUpperCase() + words.slice(1)
}

function toHtml({ path, title, links }: Lesson, origin: string): string {
  const isOld = path === OLD_ENCODING_PAGE
  const paragraph = `<p>${`This paragraph belongs to ${title.toLowerCase()}. `.repeat(12)}</p>\n`
  return `<!DOCTYPE html>
<html lang="en">
<head>
<title>${title} | Practice site</title>
${isOld ? `<link rel="canonical" href="${origin}${path}">` : `<meta property="og:url" content="${origin}${path}">`}
<meta property="og:title" content="${title}">
</head>
<body>
${isOld ? `<h2>${title}</h2>` : `<h1>${title}</h1>`}
<ul>
${links.map(link => `<li><a href="${link}">${link}</a></li>`).join('\n')}
</ul>
${paragraph.repeat(24)}</body>
</html>
`
}
