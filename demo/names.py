"""Pools of names in several scripts, each beside its spelling for an e-mail address."""

import random
from typing import NamedTuple

POOLS: dict[str, tuple[str, str]] = {
    "de": (
        "Anneliese Björn/bjoern Jürgen/juergen Käthe/kaethe Lukas Miriam Sören/soeren Ute Vera Wolfgang",
        "Böhm/boehm Franke Groß/gross Hübner/huebner Jäger/jaeger Krause Löffler/loeffler "
        "Schäfer/schaefer Vogt Weiß/weiss",
    ),
    "en": (
        "Aoife Callum Eleanor Gethin/gethin Harriet Imogen Niamh Oliver Rhys Siân/sian",
        "Ashworth Carmichael Doyle Fitzgerald Llewellyn Murphy Okonkwo Pritchard Sutherland Whitcombe",
    ),
    "es": (
        "Álvaro/alvaro Begoña/begona Catarina Inês/ines João/joao Joaquín/joaquin Lucía/lucia Núria/nuria "
        "Tiago Xavier",
        "Araújo/araujo Castañeda/castaneda Ferreira Gonçalves/goncalves Ibáñez/ibanez Llorente "
        "Muñoz/munoz Peña/pena Quintana Vázquez/vazquez",
    ),
    "fr": (
        "Amélie/amelie Benoît/benoit Chloé/chloe François/francois Hélène/helene Jérôme/jerome "
        "Océane/oceane Zoé/zoe",
        "Beaulieu Chevallier Desrosiers Fauré/faure Lefèvre/lefevre Mézières/mezieres Noël/noel "
        "Prévost/prevost",
    ),
    "no": (
        "Åse/aase Bjørg/bjoerg Eirik Gunnhild Håkon/haakon Ingrid Øyvind/oyvind Solveig",
        "Aasen Bø/boe Fjeld Grønli/gronli Håland/haaland Nygård/nygaard Rønning/ronning Sæther/saether",
    ),
    "cs": (
        "Bedřich/bedrich Eliška/eliska Jiří/jiri Květa/kveta Ondřej/ondrej Růžena/ruzena Zdeněk/zdenek "
        "Žofie/zofie",
        "Čermák/cermak Dvořák/dvorak Havlíček/havlicek Kučera/kucera Procházka/prochazka Říha/riha "
        "Šimek/simek Veselý/vesely",
    ),
    "eu": (
        "Agnieszka Bogusław/boguslaw Csilla Gábor/gabor Małgorzata/malgorzata Szabolcs Zoltán/zoltan "
        "Żaneta/zaneta",
        "Bárány/barany Gołębiewska/golebiewska Kovács/kovacs Łabęcki/labecki Nagy Szőke/szoke "
        "Wiśniewski/wisniewski Zając/zajac",
    ),
    "tr": (
        "Ayşe/ayse Çağla/cagla Emre Gökhan/gokhan İlknur/ilknur Oğuz/oguz Şeyma/seyma Tolga",
        "Aydın/aydin Çelik/celik Doğan/dogan Güneş/gunes Kılıç/kilic Öztürk/ozturk Şahin/sahin "
        "Yıldız/yildiz",
    ),
    "vi": (
        "Ánh/anh Đức/duc Hạnh/hanh Khánh/khanh Linh Quỳnh/quynh Thảo/thao Tuấn/tuan",
        "Đặng/dang Hoàng/hoang Lê/le Ngô/ngo Phạm/pham Trần/tran Võ/vo Vũ/vu",
    ),
    "uk": (
        "Андрій/andriy Богдан/bohdan Дарина/daryna Ірина/iryna Катерина/kateryna Олексій/oleksiy "
        "Соломія/solomiya Тарас/taras",
        "Бондаренко/bondarenko Гончар/honchar Ковальчук/kovalchuk Мельник/melnyk Савченко/savchenko "
        "Ткаченко/tkachenko Федорів/fedoriv Яценко/yatsenko",
    ),
    "el": (
        "Αικατερίνη/aikaterini Γιώργος/giorgos Δήμητρα/dimitra Ελένη/eleni Κωνσταντίνος/konstantinos "
        "Νίκος/nikos Σοφία/sofia Χρήστος/christos",
        "Αντωνίου/antoniou Βασιλείου/vasileiou Γεωργίου/georgiou Δημητρίου/dimitriou Κουρής/kouris "
        "Μακρής/makris Οικονόμου/oikonomou Σταύρου/stavrou",
    ),
    "he": (
        "אורלי/orly דניאל/daniel יעקב/yaakov מיכל/michal נועה/noa עמית/amit רות/ruth שירה/shira",
        "אברהמי/avrahami ברק/barak גולן/golan לוי/levi מזרחי/mizrahi פרידמן/friedman רוזן/rosen שלו/shalev",
    ),
    "ar": (
        "أمينة/amina خالد/khaled سلمى/salma طارق/tarek فاطمة/fatima ليلى/layla مريم/maryam يوسف/youssef",
        "الأنصاري/alansari الحداد/alhaddad الخطيب/alkhatib السيد/alsayed الشامي/alshami العلي/alali "
        "الفارس/alfares النجار/alnajjar",
    ),
    "hi": (
        "अनिल/anil कविता/kavita गीता/geeta दीपक/deepak नेहा/neha राजेश/rajesh सुनीता/sunita हरीश/harish",
        "अग्रवाल/agrawal गुप्ता/gupta जोशी/joshi पटेल/patel मिश्रा/mishra मेहता/mehta यादव/yadav "
        "वर्मा/verma",
    ),
    "ja": (
        "愛子/aiko 健一/kenichi 翔太/shota 千尋/chihiro 直樹/naoki 真由美/mayumi 優/yu 隆/takashi",
        "伊藤/ito 加藤/kato 小林/kobayashi 鈴木/suzuki "
        "高橋/takahashi 田中/tanaka 中村/nakamura 渡辺/watanabe",
    ),
    "zh": (
        "伟/wei 芳/fang 国强/guoqiang 静怡/jingyi 丽华/lihua 明/ming 晓东/xiaodong 雅婷/yating",
        "陈/chen 黄/huang 李/li 刘/liu 王/wang 吴/wu 张/zhang 赵/zhao",
    ),
}  # fmt: skip
DIALLING_CODES = {
    "de": "+49", "en": "+44", "es": "+34", "fr": "+33", "no": "+47", "cs": "+420", "eu": "+48", "tr": "+90",
    "vi": "+84", "uk": "+380", "el": "+30", "he": "+972", "ar": "+971", "hi": "+91", "ja": "+81", "zh": "+86",
}  # fmt: skip

# Companies that left a card at the trade fair: name, domain, pool of their people.
FAIR_COMPANIES = [
    ("Adler Feinmechanik", "adler-feinmechanik", "de"), ("Almagro Textil", "almagro-textil", "es"),
    ("Atelier Verdier", "atelier-verdier", "fr"), ("Βορέας Ενέργεια", "voreas-energy", "el"),
    ("Braeside Distillers", "braeside", "en"), ("Claymore Survey", "claymore-survey", "en"),
    ("Demir Makine", "demir-makine", "tr"), ("דפוס כרמל", "carmel-print", "he"),
    ("Elbtal Spedition", "elbtal-spedition", "de"), ("Fjellbygg AS", "fjellbygg", "no"),
    ("Fundição Aveiro", "fundicao-aveiro", "es"), ("गंगा एग्रो", "ganga-agro", "hi"),
    ("Glashütte Ilmtal", "glashuette-ilmtal", "de"), ("杭州蓝桥科技", "lanqiao-tech", "zh"),
    ("Hopfen & Söhne", "hopfen-soehne", "de"), ("Isartal Optik", "isartal-optik", "de"),
    ("Kamenný most s.r.o.", "kamenny-most", "cs"), ("Karpaty Drewno", "karpaty-drewno", "eu"),
    ("北浜物産", "kitahama-bussan", "ja"), ("Les Jardins d’Éole", "jardins-eole", "fr"),
    ("Müritz Yachtbau", "mueritz-yachtbau", "de"), ("مطاحن الرافدين", "rafidain-mills", "ar"),
    ("Nordkapp Seilas", "nordkapp-seilas", "no"), ("Одеські лимани", "odesa-lymany", "uk"),
    ("Penhallow Quarries", "penhallow", "en"), ("Sierra Blanca Vinos", "sierra-blanca", "es"),
    ("Tisza Malom Zrt.", "tisza-malom", "eu"), ("Tulumba Gıda", "tulumba-gida", "tr"),
    ("Đồ gỗ Bình Minh", "dogo-binhminh", "vi"), ("Wattenmeer Reederei", "wattenmeer-reederei", "de"),
]  # fmt: skip

POSITIONS = (
    "Head of IT", "Managing director", "Purchasing", "Operations manager", "IT administrator",
    "Office manager", "Plant manager", "Chief financial officer", "Network engineer", "Board assistant",
)  # fmt: skip


class FullName(NamedTuple):
    """A name, and the part of an e-mail address before the @."""

    first: str
    last: str
    mailbox: str


def names(pool: str, rng: random.Random) -> list[FullName]:
    """Return every combination of a pool's names once, in random order."""
    firsts, lasts = ([_spellings(word) for word in column.split()] for column in POOLS[pool])
    full_names = [FullName(first, last, f"{a}.{b}") for first, a in firsts for last, b in lasts]
    rng.shuffle(full_names)
    return full_names


def _spellings(word: str) -> tuple[str, str]:
    own, _, latin = word.partition("/")
    return own, latin or own.lower()
