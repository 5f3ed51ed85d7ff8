# Scrapy, with the work that `crawl` does: title, address, links; a line of JSON for each page; robots.txt obeyed.
#   scrapy runspider scrapy_spider.py -a start=URL -O FILE.jsonl
from urllib.parse import urldefrag, urlparse

import scrapy


class Bench(scrapy.Spider):
    name = "bench"
    custom_settings = {
        "ROBOTSTXT_OBEY": True,
        "CONCURRENT_REQUESTS": 8,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 8,
        "LOG_LEVEL": "ERROR",
        "TELNETCONSOLE_ENABLED": False,
    }

    def __init__(self, start, **arguments):
        super().__init__(**arguments)
        self.start_urls = [start]
        self.host = urlparse(start).netloc

    def parse(self, response):
        hrefs = response.css("a::attr(href)").getall()
        yield {
            "url": response.url,
            "status": response.status,
            "title": (response.css("h1").xpath("string()").get() or response.css("title::text").get() or "").strip(),
            "ogUrl": response.css('meta[property="og:url"]::attr(content)').get() or response.css("link[rel=canonical]::attr(href)").get(),
            "links": len(hrefs),
        }
        for href in hrefs:
            url = urldefrag(response.urljoin(href)).url
            if urlparse(url).netloc == self.host:
                yield scrapy.Request(url)
