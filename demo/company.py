"""What the demo company sells and to whom: its services, customers and deals, as tables."""

from typing import Any, NamedTuple

NAME = "Kestrel Systems"
TIMEZONE = "Europe/Berlin"


class Service(NamedTuple):
    """An article of the price list."""

    key: str
    name: str
    sku: str
    category: str
    price: float
    unit: str
    lead_time_days: int
    description: str
    specifications: dict[str, Any]


class Organization(NamedTuple):
    """A customer or prospect; ``people`` names the pool in ``names`` that its contacts come from."""

    key: str
    name: str
    industry: str
    people: str
    domain: str
    employees: int
    street: str
    postcode: str
    city: str
    country: str


class Deal(NamedTuple):
    """A deal as it was meant: when it began and how it ends, if there is time for it to end."""

    name: str
    organization: str
    owner: str
    days_ago: float
    ending: str
    lines: str  # quantities and services: "2 survey, 3 switch"
    pace: float = 1.0  # 2.0 takes twice as long from step to step

    def wanted(self) -> list[tuple[str, int]]:
        """Return the lines as keys of services with their quantities."""
        pairs = (line.split() for line in self.lines.split(", "))
        return [(key, int(quantity)) for quantity, key in pairs]


SERVICES = [
    Service("nic", "Network Interface Card", "HW-1025", "Hardware", 189.0, "piece", 5,
            "Dual-port 25 GbE card, low profile, with both brackets. Firmware updated before delivery.",
            {"ports": 2, "speed_gbit": 25, "slot": "PCIe 4.0 x8", "offload": ["RDMA", "TSO"]}),
    Service("server", "Rack Server R450", "HW-2450", "Hardware", 6480.0, "piece", 14,
            "Two-socket server with 256 GB of memory, installed in your rack and burnt in for 48 hours.",
            {"height": "1U", "memory_gb": 256, "power": {"supplies": 2, "watts": 800}}),
    Service("storage", "Storage Shelf 48 TB", "HW-3048", "Hardware", 11900.0, "piece", 21,
            "Twelve-bay shelf with redundant controllers. Disks are replaced on site within four hours.",
            {"bays": 12, "capacity_tb": 48, "raid": ["6", "10"]}),
    Service("switch", "Core Switch 48-port", "HW-4148", "Hardware", 4250.0, "piece", 10,
            "Stackable core switch with six uplinks, configured to the customer's address plan.",
            {"ports": 48, "uplinks": {"count": 6, "speed_gbit": 100}}),
    Service("ups", "UPS 3 kVA", "HW-5003", "Hardware", 1780.0, "piece", 7,
            "Line-interactive power supply with network card; carries a half-filled rack for 18 minutes.",
            {"va": 3000, "runtime_minutes": 18}),
    Service("laptop", "Laptop Rollout Kit", "HW-6100", "Hardware", 1320.0, "piece", 8,
            "Business laptop, dock and headset, enrolled and delivered to the desk.", {"screen_inches": 14}),
    Service("firewall", "Managed Firewall", "MS-0100", "Managed service", 240.0, "month", 6,
            "Pair of firewalls, patched and watched by us. Rule changes within one working day.",
            {"sla": {"response_minutes": 30, "hours": "24x7"}, "pair": True}),
    Service("backup", "Cloud Backup 1 TB", "MS-0200", "Managed service", 39.0, "month", 2,
            "Encrypted backup in two German data centres, with a restore test every quarter.",
            {"regions": ["Frankfurt", "Nürnberg"], "retention_days": 90}),
    Service("helpdesk", "Helpdesk Seat", "MS-0300", "Managed service", 28.5, "month", 3,
            "Telephone and chat support for one person, 07:00 to 19:00.",
            {"languages": ["de", "en", "es", "uk"]}),
    Service("monitoring", "Server Monitoring", "MS-0400", "Managed service", 19.0, "month", 1,
            "Agent on one server, alarms to our night shift.", {"interval_seconds": 30}),
    Service("voip", "VoIP Line", "MS-0500", "Managed service", 14.9, "month", 4,
            "One line with number porting and a desk or soft phone.", {"codec": "Opus"}),
    Service("migration", "Migration Day", "PS-0010", "Professional service", 1150.0, "day", 10,
            "One engineer for one day, on site or remote. Travel is billed separately.", {"hours": 8}),
    Service("survey", "Wi-Fi Site Survey", "PS-0020", "Professional service", 890.0, "fixed", 7,
            "Measurement of up to 2,000 m² with a heat map and a proposal for access points.",
            {"area_m2": 2000}),
    Service("pentest", "Penetration Test", "PS-0030", "Professional service", 7800.0, "fixed", 28,
            "Five days of testing against an agreed scope, a report, and a retest of all critical findings.",
            {"days": 5, "retest": True}),
    Service("training", "Security Awareness Training", "PS-0040", "Professional service", 1450.0, "fixed", 14,
            "Half a day for up to 25 people, in German, English or Spanish.", {"participants": 25}),
    Service("recovery", "Disaster Recovery Plan", "PS-0050", "Professional service", 5200.0, "fixed", 20,
            "Interviews, a written plan, and one rehearsal on a Saturday.", {"rehearsals": 1}),
    Service("fax", "Fax to Mail", "MS-0900", "Managed service", 6.5, "month", 2,
            "One fax number whose messages arrive as PDF.", {}),
]  # fmt: skip

# The first ones were customers before the log began; the rest are entered while it runs.
ORGANIZATIONS = [
    Organization("aurelia", "Aurelia Hotels", "Hospitality", "es", "aurelia-hotels.example", 640,
                 "Passeig de Gràcia 91", "08008", "Barcelona", "ES"),
    Organization("gruenwald", "Bäckerei Grünwald", "Food", "de", "baeckerei-gruenwald.example", 85,
                 "Lange Straße 14", "04103", "Leipzig", "DE"),
    Organization("tokai", "東海精密工業株式会社", "Manufacturing", "ja", "tokai-seimitsu.example", 1200,
                 "名駅 3-22-8", "450-0002", "名古屋市", "JP"),
    Organization("thalassa", "Θάλασσα Ναυτιλιακή Α.Ε.", "Logistics", "el", "thalassa-shipping.example", 310,
                 "Ακτή Μιαούλη 85", "185 38", "Πειραιάς", "GR"),
    Organization("zuerichsee", "Zürichsee-Klinik AG", "Health care", "de", "zuerichsee-klinik.example", 920,
                 "Seestrasse 210", "8700", "Küsnacht", "CH"),
    Organization("orsund", "Ørsund Fisk AS", "Food", "no", "orsund-fisk.example", 140,
                 "Strandgata 7", "9008", "Tromsø", "NO"),
    Organization("lviv", "Львівська кава", "Food", "uk", "lviv-kava.example", 60,
                 "площа Ринок 12", "79008", "Львів", "UA"),
    Organization("cinar", "Çınar Lojistik", "Logistics", "tr", "cinar-lojistik.example", 430,
                 "Atatürk Caddesi 118", "35210", "İzmir", "TR"),
    Organization("nakheel", "شركة النخيل للتجارة", "Retail", "ar", "nakheel-trading.example", 275,
                 "شارع الشيخ زايد 44", "", "دبي", "AE"),
    Organization("suryoday", "सूर्योदय टेक्सटाइल्स", "Manufacturing", "hi", "suryoday-textiles.example", 780,
                 "रिंग रोड 61", "395002", "सूरत", "IN"),
    Organization("galil", "גליל אופטיקה בע״מ", "Manufacturing", "he", "galil-optics.example", 190,
                 "דרך חיפה 8", "2069207", "יקנעם", "IL"),
    Organization("linden", "Lindenhof Apotheken", "Health care", "de", "lindenhof-apotheken.example", 210,
                 "Am Lindenhof 3", "99084", "Erfurt", "DE"),
    Organization("novak", "Novák & synové", "Construction", "cs", "novak-synove.example", 95,
                 "Husova 22", "602 00", "Brno", "CZ"),
    Organization("saobento", "São Bento Azulejos", "Manufacturing", "es", "saobento-azulejos.example", 70,
                 "Rua das Flores 130", "4050-265", "Porto", "PT"),
    Organization("yunhai", "云海软件有限公司", "Software", "zh", "yunhai-soft.example", 350,
                 "天府大道 1480 号", "610041", "成都", "CN"),
    Organization("keksz", "Győri Keksz Kft.", "Food", "eu", "gyori-keksz.example", 260,
                 "Kandó Kálmán utca 5", "9027", "Győr", "HU"),
    Organization("hafen", "Hafenwerk Kiel GmbH", "Manufacturing", "de", "hafenwerk-kiel.example", 520,
                 "Schweffelstraße 6", "24118", "Kiel", "DE"),
    Organization("castell", "Castell Insurance Brokers", "Finance", "en", "castell-brokers.example", 130,
                 "14 Castle Quay", "CF10 1BW", "Cardiff", "GB"),
    Organization("mekong", "Công ty May Sông Hồng", "Manufacturing", "vi", "may-songhong.example", 1500,
                 "Trần Phú 105", "", "Hà Nội", "VN"),
    Organization("bergblick", "Bergblick Seniorenheime", "Health care", "de", "bergblick-heime.example", 340,
                 "Höhenweg 1", "87561", "Oberstdorf", "DE"),
    Organization("lumiere", "Lumière & Fils", "Retail", "fr", "lumiere-fils.example", 45,
                 "12 rue des Trois-Frères", "69001", "Lyon", "FR"),
    Organization("obrecht", "Kanzlei Obrecht und Partner", "Legal", "de", "kanzlei-obrecht.example", 28,
                 "Königsallee 60", "40212", "Düsseldorf", "DE"),
    Organization("polana", "Polana Meble Sp. z o.o.", "Manufacturing", "eu", "polana-meble.example", 410,
                 "ul. Fabryczna 17", "59-300", "Lubin", "PL"),
    Organization("harbour", "Harbour Street School", "Education", "en", "harbourstreet.example", 112,
                 "3 Harbour Street", "H91 T8N2", "Galway", "IE"),
]  # fmt: skip
CUSTOMERS_BEFORE = 9

DEALS = [
    Deal("Wi-Fi for the harbour offices", "thalassa", "oksana", 118, "won", "2 survey, 3 switch", 0.8),
    Deal("Managed firewall, head office", "castell", "mateo", 117, "won", "12 firewall", 0.7),
    Deal("Storage refresh for the clinic archive", "zuerichsee", "tom", 116, "won", "3 storage, 6 migration"),
    Deal("Helpdesk for the bakeries", "gruenwald", "oksana", 115, "lost", "40 helpdesk", 0.8),
    Deal("Backup for the booking system", "aurelia", "mateo", 113, "won", "24 backup, 1 recovery", 0.8),
    Deal("Penetration test of the web shop", "nakheel", "tom", 111, "lost", "1 pentest"),
    Deal("Server room for the Brno yard", "novak", "oksana", 109, "won", "4 server, 2 ups, 2 switch"),
    Deal("Telephone system Tromsø", "orsund", "mateo", 108, "won", "60 voip, 2 migration", 0.7),
    Deal("Laptop rollout, second wave", "hafen", "tom", 105, "won", "85 laptop, 85 helpdesk", 1.1),
    Deal("Awareness training in three plants", "tokai", "oksana", 103, "won", "3 training", 0.7),
    Deal("Monitoring for the pharmacies", "linden", "mateo", 101, "lost", "34 monitoring, 12 backup"),
    Deal("Disaster recovery rehearsal", "zuerichsee", "oksana", 98, "won", "1 recovery, 2 migration", 0.8),
    Deal("Core network for the tile works", "saobento", "tom", 96, "won", "4 switch, 16 nic", 1.2),
    Deal("Warehouse Wi-Fi İzmir", "cinar", "mateo", 93, "won", "4 survey, 6 switch"),
    Deal("Roastery cash registers online", "lviv", "oksana", 91, "lost", "12 firewall, 8 voip", 0.7),
    Deal("Move to the new production hall", "keksz", "tom", 88, "lost", "8 migration, 3 switch"),
    Deal("Data protection package", "obrecht", "mateo", 86, "won", "12 firewall, 6 backup, 1 training", 0.7),
    Deal("Retail network, eleven shops", "nakheel", "mateo", 80, "won", "132 firewall, 44 voip", 1.2),
    Deal("Optics lab storage", "galil", "tom", 77, "won", "2 storage, 8 nic", 1.9),
    Deal("Seat extension helpdesk", "castell", "mateo", 74, "won", "35 helpdesk", 0.6),
    Deal("Care homes telephone switch-over", "bergblick", "oksana", 72, "lost", "120 voip, 5 migration"),
    Deal("Loom monitoring", "suryoday", "tom", 69, "won", "48 monitoring, 4 switch", 1.9),
    Deal("School network renewal", "harbour", "mateo", 64, "won", "5 switch, 1 survey, 12 firewall"),
    Deal("Furniture configurator hosting", "polana", "huong", 55, "won", "2 server, 12 backup, 12 firewall"),
    Deal("Sewing floor Wi-Fi", "mekong", "huong", 53, "won", "5 survey, 8 switch"),
    Deal("Till network for the Lyon shops", "lumiere", "mateo", 51, "lost", "24 firewall", 0.8),
    Deal("Network cards for the cutting machines", "tokai", "mateo", 46, "won", "40 nic", 0.6),
    Deal("Pharmacy backup, small package", "linden", "huong", 43, "won", "14 backup", 0.7),
    Deal("Guest Wi-Fi, four hotels", "aurelia", "oksana", 41, "won", "4 survey, 12 switch", 1.4),
    Deal("Site office containers", "novak", "huong", 38, "won", "6 firewall, 12 laptop", 1.3),
    Deal("Dispatch telephone system", "cinar", "mateo", 36, "won", "75 voip, 3 migration", 0.9),
    Deal("Nurse call integration", "bergblick", "huong", 33, "won", "12 migration, 20 monitoring", 1.5),
    Deal("Encrypted mail for the law firm", "obrecht", "oksana", 31, "won", "2 migration, 1 training", 0.7),
    Deal("Oven control room network", "keksz", "mateo", 28, "won", "2 switch, 3 ups", 1.2),
    Deal("Clean room monitoring", "galil", "oksana", 23, "won", "60 monitoring", 1.1),
    Deal("Weekend rota for the helpdesk", "castell", "mateo", 21, "won", "20 helpdesk", 0.9),
    Deal("Fleet tablets", "cinar", "huong", 18, "won", "40 laptop, 40 helpdesk", 1.0),
    Deal("Render farm, first stage", "yunhai", "oksana", 15, "won", "8 server, 2 storage, 32 nic", 1.0),
    Deal("Archive scanning stations", "zuerichsee", "mateo", 13, "won", "10 laptop, 1 storage", 0.9),
    Deal("Firewall renewal, head office", "gruenwald", "huong", 11, "won", "12 firewall", 0.8),
    Deal("Bakery branch telephones", "gruenwald", "oksana", 9, "won", "32 voip", 0.6),
    Deal("Hotel laundry sensors", "aurelia", "mateo", 7, "won", "18 monitoring, 1 switch", 0.5),
    Deal("Moulding line penetration test", "tokai", "oksana", 5, "won", "1 pentest", 0.4),
    Deal("Mill Road campus backup", "harbour", "huong", 3, "won", "20 backup, 1 recovery", 0.4),
]  # fmt: skip

# The deal that everybody in the company is talking about: it is won within the last hour.
FLAGSHIP = Deal(
    *("Data Center Refresh", "hafen", "mateo", 79, "won"),
    "12 server, 4 storage, 4 switch, 48 nic, 6 ups, 15 migration",
    1.8,
)
