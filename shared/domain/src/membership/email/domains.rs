//! Domains of mailbox providers.
//!
//! A list is of texts, each of domains in ASCII and small letters with a space between them.

/// Whether a list has a domain.
pub(super) fn has(list: &[&str], domain: &str) -> bool {
    list.iter().any(|some| some.split(' ').any(|known| known == domain))
}

/// Those of Outlook.com, with its former names and those of single countries.
pub(super) const MICROSOFT: &[&str] = &[
    "outlook.com outlook.at outlook.be outlook.cl outlook.co.id outlook.co.il outlook.co.th outlook.com.ar",
    "outlook.com.au outlook.com.br outlook.com.gr outlook.com.tr outlook.com.vn outlook.cz outlook.de outlook.dk",
    "outlook.es outlook.fr outlook.hu outlook.ie outlook.in outlook.it outlook.jp outlook.kr outlook.lv outlook.my",
    "outlook.ph outlook.pt outlook.sa outlook.sg outlook.sk hotmail.com hotmail.be hotmail.ca hotmail.ch",
    "hotmail.co.il hotmail.co.jp hotmail.co.kr hotmail.co.nz hotmail.co.th hotmail.co.uk hotmail.co.za hotmail.com.ar",
    "hotmail.com.au hotmail.com.br hotmail.com.tr hotmail.de hotmail.dk hotmail.es hotmail.fi hotmail.fr hotmail.gr",
    "hotmail.it hotmail.nl hotmail.no hotmail.se live.com live.at live.be live.ca live.cl live.cn live.co.uk",
    "live.co.za live.com.ar live.com.au live.com.mx live.com.my live.com.pt live.com.sg live.de live.dk live.fi",
    "live.fr live.hk live.ie live.in live.it live.jp live.nl live.no live.ru live.se msn.com windowslive.com",
];

/// Well-known domains, by provider or country. Two companies at one of these have nothing in common, while two at any
/// other may be one company. What is missing costs a review that was not needed, what stands here wrongly one that was.
/// So here are domains under which a provider gives addresses to the public, be it for nothing, for a fee or with an
/// internet access, and none under which only its own people have them.
///
/// Those of [`MICROSOFT`] are of the same kind, and not repeated.
pub(super) const FOR_EVERYBODY: &[&str] = &[
    "gmail.com googlemail.com",
    // Yahoo.
    "yahoo.com yahoo.at yahoo.be yahoo.ca yahoo.ch yahoo.cn yahoo.co.id yahoo.co.il yahoo.co.in yahoo.co.jp",
    "yahoo.co.kr yahoo.co.nz yahoo.co.th yahoo.co.uk yahoo.co.za yahoo.com.ar yahoo.com.au yahoo.com.br yahoo.com.cn",
    "yahoo.com.co yahoo.com.hk yahoo.com.mx yahoo.com.my yahoo.com.ph yahoo.com.sg yahoo.com.tr yahoo.com.tw",
    "yahoo.com.vn yahoo.de yahoo.dk yahoo.es yahoo.fi yahoo.fr yahoo.gr yahoo.hu yahoo.ie yahoo.in yahoo.it yahoo.nl",
    "yahoo.no yahoo.pl yahoo.pt yahoo.ro yahoo.se ymail.com rocketmail.com myyahoo.com",
    // Others of no one country.
    "aol.com aol.at aol.co.uk aol.de aol.es aol.fr aol.it aim.com icloud.com me.com mac.com privaterelay.appleid.com",
    "proton.me protonmail.com protonmail.ch pm.me tutanota.com tutanota.de tutamail.com tuta.com tuta.io keemail.me",
    "zoho.com zohomail.com zohomail.eu zohomail.in fastmail.com fastmail.fm hey.com hushmail.com duck.com inbox.com",
    "disroot.org riseup.net mail.com email.com usa.com europe.com consultant.com",
    // Addresses for ten minutes.
    "mailinator.com guerrillamail.com yopmail.com 10minutemail.com trashmail.com",
    // Germany, Austria, Switzerland.
    "gmx.com gmx.net gmx.de gmx.at gmx.ch gmx.li gmx.org gmx.info gmx.biz gmx.eu gmx.us gmx.fr gmx.es gmx.co.uk",
    "web.de t-online.de freenet.de arcor.de online.de email.de unitybox.de ewetel.net mailbox.org",
    "posteo.de posteo.net posteo.at posteo.ch",
    "aon.at a1.net chello.at utanet.at bluewin.ch hispeed.ch sunrise.ch",
    // France.
    "orange.fr wanadoo.fr free.fr laposte.net sfr.fr neuf.fr bbox.fr club-internet.fr numericable.fr cegetel.net",
    "aliceadsl.fr voila.fr",
    // Italy.
    "libero.it virgilio.it alice.it tin.it tim.it tiscali.it inwind.it iol.it email.it fastwebnet.it",
    // United Kingdom, Ireland.
    "btinternet.com btopenworld.com talk21.com sky.com talktalk.net tiscali.co.uk virginmedia.com virgin.net",
    "ntlworld.com blueyonder.co.uk plusnet.co.uk eircom.net",
    // Belgium, the Netherlands.
    "telenet.be skynet.be proximus.be scarlet.be ziggo.nl kpnmail.nl planet.nl hetnet.nl home.nl xs4all.nl chello.nl",
    "upcmail.nl casema.nl quicknet.nl zonnet.nl telfort.nl",
    // Spain, Portugal.
    "terra.es telefonica.net ono.com ya.com sapo.pt telepac.pt netcabo.pt clix.pt iol.pt",
    // Poland, Czechia, Slovakia, Hungary.
    "wp.pl o2.pl interia.pl interia.eu onet.pl onet.eu op.pl vp.pl poczta.onet.pl poczta.fm tlen.pl gazeta.pl",
    "seznam.cz email.cz post.cz centrum.cz volny.cz atlas.cz azet.sk zoznam.sk centrum.sk post.sk",
    "freemail.hu citromail.hu t-online.hu",
    // Southern and eastern Europe.
    "abv.bg mail.bg otenet.gr forthnet.gr hol.gr in.gr net.hr siol.net inbox.lv mail.ee hot.ee",
    // Northern Europe.
    "home.se spray.se bredband.net online.no mail.dk jubii.dk ofir.dk luukku.com kolumbus.fi elisanet.fi pp.inet.fi",
    "suomi24.fi",
    // Russia, Ukraine.
    "mail.ru bk.ru inbox.ru list.ru internet.ru rambler.ru ukr.net i.ua meta.ua",
    "yandex.ru yandex.com yandex.by yandex.kz yandex.ua yandex.com.tr ya.ru",
    // China, Korea, Japan, India.
    "qq.com foxmail.com 163.com 126.com yeah.net sina.com sina.cn sohu.com aliyun.com 139.com 189.cn 21cn.com tom.com",
    "naver.com daum.net hanmail.net nate.com docomo.ne.jp ezweb.ne.jp softbank.ne.jp rediffmail.com",
    // The Americas.
    "comcast.net verizon.net att.net sbcglobal.net bellsouth.net cox.net charter.net earthlink.net optonline.net",
    "juno.com netzero.net frontiernet.net windstream.net rogers.com shaw.ca sympatico.ca videotron.ca telus.net",
    "uol.com.br bol.com.br terra.com.br ig.com.br",
    // Israel, Australia, New Zealand.
    "walla.co.il walla.com bigpond.com bigpond.net.au optusnet.com.au iinet.net.au xtra.co.nz",
];
