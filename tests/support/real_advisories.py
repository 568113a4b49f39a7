"""Real advisories of feeds that the repository has no files of: ids, packages, versions.

Each table names where it was taken from. npm, Maven and NuGet were typed from the public
GitHub Advisory Database; nothing here was changed but the form, which is as short as it can be.
"""

from __future__ import annotations

from dataclasses import dataclass

Interval = tuple[str, str]
"""Introduced (`0` for the first version) and fixed; a fix of `<=X` is a last affected version."""


@dataclass(frozen=True)
class Osv:
    """An OSV document in short: id, alias, package, its intervals."""

    id: str
    alias: str
    package: str
    intervals: tuple[Interval, ...]


NPM = (
    Osv("GHSA-35jh-r3h4-6jhm", "CVE-2021-23337", "lodash", (("0", "4.17.21"),)),
    Osv("GHSA-jf85-cpcp-j695", "CVE-2019-10744", "lodash", (("0", "4.17.12"),)),
    Osv("GHSA-29mw-wpgm-hmr9", "CVE-2020-28500", "lodash", (("4.0.0", "4.17.21"),)),
    Osv("GHSA-xvch-5gv4-984h", "CVE-2021-44906", "minimist", (("0", "0.2.4"), ("1.0.0", "1.2.6"))),
    Osv("GHSA-vh95-rmgr-6w4m", "CVE-2020-7598", "minimist", (("0", "0.2.1"), ("1.0.0", "1.2.3"))),
    Osv(
        "GHSA-c2qf-rxjj-qqgw",
        "CVE-2022-25883",
        "semver",
        (("7.0.0", "7.5.2"), ("6.0.0", "6.3.1"), ("0", "5.7.2")),
    ),
    Osv("GHSA-9c47-m6qq-7p4h", "CVE-2022-46175", "json5", (("0", "1.0.2"), ("2.0.0", "2.2.2"))),
    Osv("GHSA-72xf-g2v4-qvf3", "CVE-2023-26136", "tough-cookie", (("0", "4.1.3"),)),
    Osv("GHSA-f8q6-p94x-37v3", "CVE-2022-3517", "minimatch", (("0", "3.0.5"),)),
    Osv("GHSA-p8p7-x288-28g6", "CVE-2023-28155", "request", (("0", "<=2.88.2"),)),
    Osv("GHSA-3xgq-45jj-v275", "CVE-2024-21538", "cross-spawn", (("7.0.0", "7.0.5"), ("0", "6.0.6"))),
)
_LOG4J = "org.apache.logging.log4j:log4j-core"
MAVEN = (
    Osv(
        "GHSA-jfh8-c2jp-5v3q",
        "CVE-2021-44228",
        _LOG4J,
        (("2.13.0", "2.15.0"), ("2.4", "2.12.2"), ("2.0-beta9", "2.3.1")),
    ),
    Osv("GHSA-7rjr-3q55-vv33", "CVE-2021-45046", _LOG4J, (("2.13.0", "2.16.0"), ("0", "2.12.2"))),
    Osv(
        "GHSA-p6xc-xr62-6r2g",
        "CVE-2021-45105",
        _LOG4J,
        (("2.4.0", "2.12.3"), ("2.13.0", "2.17.0"), ("2.0-beta9", "2.3.1")),
    ),
    Osv(
        "GHSA-8489-44mv-ggj8",
        "CVE-2021-44832",
        _LOG4J,
        (("2.13.0", "2.17.1"), ("2.4", "2.12.4"), ("2.0-beta7", "2.3.2")),
    ),
    Osv(
        "GHSA-36p3-wjmg-h94x",
        "CVE-2022-22965",
        "org.springframework:spring-beans",
        (("0", "5.2.20.RELEASE"), ("5.3.0", "5.3.18")),
    ),
    Osv("GHSA-599f-7c49-w659", "CVE-2022-42889", "org.apache.commons:commons-text", (("1.5", "1.10.0"),)),
    Osv("GHSA-3mc7-4q67-w48m", "CVE-2022-25857", "org.yaml:snakeyaml", (("0", "1.31"),)),
    Osv("GHSA-mjmj-j48q-9wg2", "CVE-2022-1471", "org.yaml:snakeyaml", (("0", "2.0"),)),
    Osv(
        "GHSA-57j2-w4cx-62h2",
        "CVE-2020-36518",
        "com.fasterxml.jackson.core:jackson-databind",
        (("0", "2.12.6.1"), ("2.13.0", "2.13.2.1")),
    ),
    Osv("GHSA-6mjq-h674-j845", "CVE-2023-34462", "io.netty:netty-handler", (("0", "4.1.94.Final"),)),
)
NUGET = (
    Osv("GHSA-5crp-9r3c-p9vr", "CVE-2024-21907", "Newtonsoft.Json", (("0", "13.0.1"),)),
    Osv(
        "GHSA-8g4q-xg66-9fp4", "CVE-2024-43485", "System.Text.Json", (("6.0.0", "6.0.10"), ("8.0.0", "8.0.5"))
    ),
    Osv("GHSA-hh2w-p6rv-4g7w", "CVE-2024-30105", "System.Text.Json", (("8.0.0", "8.0.4"),)),
    Osv("GHSA-7jgj-8wvc-jh57", "CVE-2018-8292", "System.Net.Http", (("0", "4.3.4"),)),
    Osv("GHSA-cmhx-cq75-c4mj", "CVE-2019-0820", "System.Text.RegularExpressions", (("4.3.0", "4.3.1"),)),
    Osv("GHSA-98g6-xh36-x2p7", "CVE-2024-0056", "System.Data.SqlClient", (("0", "4.8.6"),)),
    Osv(
        "GHSA-ghhp-997w-qr28",
        "CVE-2021-26701",
        "System.Text.Encodings.Web",
        (("4.0.0", "4.5.1"), ("4.6.0", "4.7.2"), ("5.0.0", "5.0.1")),
    ),
    Osv(
        "GHSA-rxg9-xrhp-64gj",
        "CVE-2021-24112",
        "System.Drawing.Common",
        (("4.0.0", "4.7.2"), ("5.0.0", "5.0.3")),
    ),
    Osv("GHSA-m5vv-6r4h-3vj9", "CVE-2024-35255", "Azure.Identity", (("0", "1.11.4"),)),
    Osv(
        "GHSA-59j7-ghrg-fj52",
        "CVE-2024-21319",
        "System.IdentityModel.Tokens.Jwt",
        (("0", "5.7.0"), ("6.5.0", "6.34.0"), ("7.0.0", "7.1.2")),
    ),
)
# github.com/rubysec/ruby-advisory-db, gems/<gem>/<CVE>.yml; nokogiri's second one typed.
RUBYGEMS = (
    Osv(
        "GHSA-hxqx-xwvh-44m2",
        "CVE-2022-30122",
        "rack",
        (("1.2", "2.0.9.1"), ("2.1", "2.1.4.1"), ("2.2", "2.2.3.1")),
    ),
    Osv("GHSA-h99w-9q5r-gjq9", "CVE-2022-24790", "puma", (("0", "4.3.12"), ("5.0.0", "5.6.4"))),
    Osv("GHSA-486f-hjj9-9vhh", "CVE-2022-23514", "loofah", (("0", "2.19.1"),)),
    Osv("GHSA-5cm2-9h8c-rvfx", "CVE-2022-31163", "tzinfo", (("0", "0.3.61"), ("1.0.0", "1.2.10"))),
    Osv("GHSA-pg8v-g4xq-hww9", "CVE-2022-32209", "rails-html-sanitizer", (("0", "1.4.3"),)),
    Osv("GHSA-j6gc-792m-qgm2", "CVE-2023-22796", "activesupport", (("0", "6.1.7.1"), ("7.0.0", "7.0.4.1"))),
    Osv("GHSA-crjr-9rc5-ghw8", "CVE-2022-24836", "nokogiri", (("0", "1.13.4"),)),
    Osv("GHSA-xh29-r2w5-wx8m", "CVE-2022-29181", "nokogiri", (("0", "1.13.6"),)),
    Osv("GHSA-23c2-gwp5-pxw9", "CVE-2023-22799", "globalid", (("0.2.1", "1.0.1"),)),
    Osv("GHSA-jxhc-q857-3j6g", "CVE-2021-32740", "addressable", (("2.3.0", "2.8.0"),)),
)
# github.com/rustsec/advisory-db, crates/<crate>/<id>.md
CRATES = (
    Osv("RUSTSEC-2020-0071", "CVE-2020-26235", "time", (("0", "0.2.0"), ("0.2.7", "0.2.23"))),
    Osv("RUSTSEC-2022-0013", "CVE-2022-24713", "regex", (("0", "1.5.5"),)),
    Osv("RUSTSEC-2021-0003", "CVE-2021-25900", "smallvec", (("0.6.3", "0.6.14"), ("1.0.0", "1.6.1"))),
    Osv("RUSTSEC-2021-0124", "", "tokio", (("0.1.14", "1.8.4"), ("1.9.0", "1.13.1"))),
    Osv("RUSTSEC-2021-0078", "CVE-2021-32715", "hyper", (("0", "0.14.10"),)),
    Osv("RUSTSEC-2023-0034", "CVE-2023-26964", "h2", (("0", "0.3.17"),)),
    Osv("RUSTSEC-2021-0093", "CVE-2021-32810", "crossbeam-deque", (("0", "0.7.4"), ("0.8.0", "0.8.1"))),
    Osv("RUSTSEC-2023-0044", "", "openssl", (("0", "0.10.55"),)),
    Osv("RUSTSEC-2020-0159", "", "chrono", (("0", "0.4.20"),)),
    Osv("RUSTSEC-2021-0145", "", "atty", (("0", ""),)),
)
# github.com/FriendsOfPHP/security-advisories, <vendor>/<package>/<CVE>.yaml
PACKAGIST = (
    Osv("CVE-2022-24775", "", "guzzlehttp/psr7", (("0", "1.8.4"), ("2", "2.1.1"))),
    Osv("CVE-2022-39261", "", "twig/twig", (("1.0.0", "1.44.7"), ("2.0.0", "2.15.3"), ("3.0.0", "3.4.3"))),
    Osv("CVE-2022-29248", "", "guzzlehttp/guzzle", (("4", "6.5.6"), ("7", "7.4.3"))),
    Osv("CVE-2016-10033", "", "phpmailer/phpmailer", (("5.0.0", "5.2.18"),)),
    Osv("CVE-2017-9841", "", "phpunit/phpunit", (("4.8.19", "4.8.28"), ("5.0.10", "5.6.3"))),
    Osv("CVE-2021-29472", "", "composer/composer", (("0", "1.10.22"), ("2.0.0-alpha1", "2.0.13"))),
    Osv("CVE-2020-15094", "", "symfony/http-kernel", (("4.4.0", "4.4.13"), ("5.0.0", "5.1.5"))),
    Osv(
        "CVE-2021-21263",
        "",
        "laravel/framework",
        (("6.0.0", "6.20.14"), ("7.0.0", "7.30.4"), ("8.0.0", "8.24.0")),
    ),
    Osv("CVE-2021-32708", "", "league/flysystem", (("0", "1.1.4"), ("2.0.0", "2.1.1"))),
    Osv("CVE-2018-20583", "", "league/commonmark", (("0.15.6", "0.18.1"),)),
)

# github.com/aquasecurity/vuln-list, oval/oracle/2023: id, what, severity, CVEs, release, packages, fix.
ORACLE = (
    ("ELSA-2023-0005", "bcel", "IMPORTANT", "CVE-2022-42920", "9", "bcel", "0:6.4.1-9.el9_1"),
    (
        "ELSA-2023-0110",
        "sqlite",
        "MODERATE",
        "CVE-2022-35737",
        "8",
        "lemon sqlite sqlite-devel sqlite-doc sqlite-libs",
        "0:3.26.0-17.el8_7",
    ),
    (
        "ELSA-2023-0173",
        "libxml2",
        "MODERATE",
        "CVE-2022-40303 CVE-2022-40304",
        "8",
        "libxml2 libxml2-devel python3-libxml2",
        "0:2.9.7-15.el8_7.1",
    ),
    ("ELSA-2023-0340", "bash", "MODERATE", "CVE-2022-3715", "9", "bash bash-devel", "0:5.1.8-6.el9_1"),
    (
        "ELSA-2023-0046",
        "xorg-x11-server",
        "IMPORTANT",
        "CVE-2022-46340 CVE-2022-46342 CVE-2022-46343 CVE-2022-4283 CVE-2022-46344 CVE-2022-46341",
        "7",
        "xorg-x11-server-Xdmx xorg-x11-server-Xorg xorg-x11-server-common",
        "0:1.20.4-21.el7_9",
    ),
    (
        "ELSA-2023-0282",
        "sudo",
        "IMPORTANT",
        "CVE-2023-22809",
        "9",
        "sudo sudo-python-plugin",
        "0:1.9.5p2-7.el9_1.1",
    ),
    ("ELSA-2023-0284", "sudo", "IMPORTANT", "CVE-2023-22809", "8", "sudo", "0:1.8.29-8.el8_7.1"),
    ("ELSA-2023-0291", "sudo", "IMPORTANT", "CVE-2023-22809", "7", "sudo sudo-devel", "0:1.8.23-10.el7_9.3"),
    (
        "ELSA-2023-0377",
        "libXpm",
        "IMPORTANT",
        "CVE-2022-4883",
        "7",
        "libXpm libXpm-devel",
        "0:3.5.12-2.el7_9",
    ),
    (
        "ELSA-2023-0379",
        "libXpm",
        "IMPORTANT",
        "CVE-2022-4883 CVE-2022-46285 CVE-2022-44617",
        "8",
        "libXpm libXpm-devel",
        "0:3.5.12-9.el8_7",
    ),
)
# The same repository, amazon/: id, repository, severity, CVEs, packages, epoch, version, release, arches.
AMAZON = (
    (
        "ALAS-2011-1",
        "AL1",
        "medium",
        "CVE-2011-3192",
        "httpd httpd-tools",
        "0",
        "2.2.21",
        "1.18.amzn1",
        "i686 x86_64",
    ),
    (
        "ALAS-2011-2",
        "AL1",
        "important",
        "CVE-2011-3208",
        "cyrus-imapd",
        "0",
        "2.3.16",
        "6.4.amzn1",
        "i686 x86_64",
    ),
    (
        "ALAS-2011-7",
        "AL1",
        "important",
        "CVE-2011-3379",
        "php php-cli",
        "0",
        "5.3.8",
        "3.19.amzn1",
        "i686 x86_64",
    ),
    ("ALAS-2011-11", "AL1", "medium", "CVE-2011-3869", "puppet", "0", "2.6.6", "3.2.amzn1", "i686 x86_64"),
    ("ALAS-2011-25", "AL1", "important", "CVE-2011-1184", "tomcat6", "0", "6.0.33", "1.26.amzn1", "noarch"),
    ("ALAS-2012-40", "AL1", "medium", "CVE-2010-2642", "t1lib", "0", "5.1.2", "6.5.amzn1", "i686 x86_64"),
    (
        "ALAS-2018-1093",
        "AL1",
        "important",
        "CVE-2018-17456",
        "git",
        "0",
        "2.14.5",
        "1.59.amzn1",
        "i686 x86_64",
    ),
    ("ALAS2-2018-951", "AL2", "important", "", "curl libcurl", "0", "7.55.1", "9.amzn2.0.1", "x86_64"),
    (
        "ALAS2-2021-1699",
        "AL2",
        "important",
        "CVE-2021-22543",
        "perf",
        "0",
        "4.14.243",
        "185.433.amzn2",
        "x86_64",
    ),
    (
        "ALAS2023-2023-003",
        "AL2023",
        "Important",
        "CVE-2018-25032 CVE-2022-37434",
        "zlib minizip-compat",
        "0",
        "1.2.11",
        "33.amzn2023.0.4",
        "x86_64 aarch64 i686",
    ),
)
# The same repository, photon/3.0/curl: what fixes each CVE; one has no version.
PHOTON = (
    ("CVE-2018-14618", ""),
    ("CVE-2019-5482", "7.61.1-5.ph3"),
    ("CVE-2020-8177", "7.61.1-7.ph3"),
    ("CVE-2021-22876", "7.75.0-1.ph3"),
    ("CVE-2021-22945", "7.78.0-2.ph3"),
    ("CVE-2022-22576", "7.82.0-3.ph3"),
    ("CVE-2022-27782", "7.83.1-1.ph3"),
    ("CVE-2022-32207", "7.83.1-2.ph3"),
    ("CVE-2023-27534", "8.1.1-1.ph3"),
    ("CVE-2023-38545", "8.1.2-4.ph3"),
)
# The same repository, ubuntu/: the package and what fixes it in jammy; none where it says "needed".
UBUNTU = (
    ("CVE-2021-46828", "libtirpc", "1.3.2-2ubuntu0.1"),
    ("CVE-2022-1271", "gzip", "1.10-4ubuntu4"),
    ("CVE-2022-1304", "e2fsprogs", "1.46.5-2ubuntu1.1"),
    ("CVE-2022-35737", "sqlite3", "3.37.2-2ubuntu0.1"),
    ("CVE-2022-3715", "bash", ""),
    ("CVE-2022-37434", "zlib", "1:1.2.11.dfsg-2ubuntu9.2"),
    ("CVE-2022-40303", "libxml2", "2.9.13+dfsg-1ubuntu0.2"),
    ("CVE-2022-40304", "libxml2", "2.9.13+dfsg-1ubuntu0.2"),
    ("CVE-2022-48303", "tar", "1.34+dfsg-1ubuntu0.1.22.04.1"),
    ("CVE-2023-22809", "sudo", "1.9.9-1ubuntu2.2"),
)
# Red Hat's VEX document of CVE-2023-38545 and CVE-2022-38752: advisories with severity, score, date.
RED_HAT = (
    ("RHSA-2023:5700", "Important", 8.1, "2023-10-13T21:51:56+00:00"),
    ("RHSA-2023:5763", "Important", 8.1, "2023-10-17T09:04:53+00:00"),
    ("RHSA-2023:6745", "Important", 8.1, "2023-11-07T10:27:03+00:00"),
    ("RHSA-2023:7625", "Important", 8.1, "2023-12-07T13:53:38+00:00"),
    ("RHSA-2023:7626", "Important", 8.1, "2023-12-07T13:55:16+00:00"),
    ("RHSA-2024:0797", "Important", 8.1, "2024-02-13T14:45:57+00:00"),
    ("RHSA-2024:2011", "Important", 8.1, "2024-04-23T17:29:39+00:00"),
    ("RHSA-2023:1512", "Moderate", 6.5, ""),
    ("RHSA-2023:1513", "Moderate", 6.5, ""),
    ("RHSA-2023:2097", "Moderate", 6.5, ""),
)
# Rows of FIRST's table of 15 August 2025, by github.com/giterlizzi/epss-time-series-feed.
EPSS = """#model_version:v2025.03.14,score_date:2025-08-15T00:00:00+0000
cve,epss,percentile
CVE-2021-44219,0.00363,0.57641
CVE-2021-44222,0.00414,0.60757
CVE-2021-44223,0.2382,0.95778
CVE-2021-44224,0.0746,0.91359
CVE-2021-44225,0.00053,0.16269
CVE-2021-44226,0.00062,0.19516
CVE-2021-44227,0.00339,0.55984
CVE-2021-44228,0.94358,0.99955
CVE-2021-44231,0.00626,0.6925
CVE-2021-44233,0.00406,0.60251
"""
# github.com/aquasecurity/vuln-list, cvrf/suse/suse/2023 (SUSE, CC-BY-4.0): the document that the
# fix is for, package, what fixes it, the update, and its CVEs, by which SUSE's OVAL is written.
SUSE = (
    (
        "suse.linux.enterprise.server.15",
        "libavahi-common3",
        "0:0.7-150100.3.29.1",
        "SUSE-SU-2023:4910-1",
        "CVE-2023-38470 CVE-2023-38473",
    ),
    (
        "suse.linux.enterprise.server.15",
        "libwireshark15",
        "0:3.6.11-150000.3.83.1",
        "SUSE-SU-2023:0343-1",
        "CVE-2023-0411 CVE-2023-0412 CVE-2023-0413 CVE-2023-0415 CVE-2023-0416 CVE-2023-0417",
    ),
    (
        "suse.linux.enterprise.server.15",
        "rmt-server",
        "0:2.10-150400.3.9.1",
        "SUSE-SU-2023:0019-1",
        "CVE-2022-31254",
    ),
    (
        "suse.linux.enterprise.server.15",
        "docker",
        "0:20.10.23_ce-150000.175.1",
        "SUSE-SU-2023:0795-1",
        "CVE-2022-36109",
    ),
    (
        "suse.linux.enterprise.server.15",
        "libpoppler89",
        "0:0.79.0-150200.3.11.1",
        "SUSE-SU-2023:2941-1",
        "CVE-2022-27337",
    ),
    (
        "suse.linux.enterprise.server.12",
        "libpq5",
        "0:15.4-3.12.1",
        "SUSE-SU-2023:3342-1",
        "CVE-2023-39417 CVE-2023-39418",
    ),
    ("opensuse.leap.15.5", "libgsl25", "0:2.6-150200.3.4.3", "SUSE-SU-2023:3858-1", "CVE-2020-35357"),
    (
        "opensuse.leap.15.5",
        "libxmltooling9",
        "0:3.1.0-150300.3.3.1",
        "SUSE-SU-2023:3089-1",
        "CVE-2023-36661",
    ),
)
