"""Makes the demo shop out of a folder of source data: python3 make_demo.py SOURCE [TARGET]

SOURCE holds grocery/transactions.csv.gz, grocery/products.csv.gz and foods/foods.csv.gz. The same
source always gives the same files. Only the standard library is used.
"""

import collections
import csv
import datetime
import decimal
import gzip
import io
import pathlib
import re
import statistics
import sys

FIRST_DAY = "2017-08-01"
HOUSEHOLD_COUNT = 500
PRODUCT_COUNT = 3000

# The shelf a shopper would look on, by the category of the source.
SHELVES = {
    "Fresh Fruit": "APPLES|BERRIES|CITRUS|GRAPES|MELONS|PEARS|STONE FRUIT|TROPICAL FRUIT|VALUE ADDED FRUIT"
    "|DRIED FRUIT|SALAD BAR",
    "Fresh Vegetables": "BROCCOLI/CAULIFLOWER|CARROTS|CORN|HERBS|MUSHROOMS|ONIONS|ORGANICS FRUIT & VEGETABLES"
    "|PEPPERS-ALL|POTATOES|SALAD MIX|SQUASH|TOMATOES|VALUE ADDED VEGETABLES|VEGETABLES - ALL OTHERS"
    "|VEGETABLES SALAD|PROCESSED|SALADS/DIPS",
    "Dairy and Eggs": "FLUID MILK PRODUCTS|MILK BY-PRODUCTS|MISC. DAIRY|EGGS|BUTTER|MARGARINES|CANNED MILK"
    "|REFRIGERATED",
    "Cheese": "CHEESE|CHEESES",
    "Yogurt": "YOGURT",
    "Bread and Bakery": "BAKED BREAD/BUNS/ROLLS|BREAD|ROLLS|CAKES|PIES|BREAKFAST SWEETS|SWEET GOODS & SNACKS"
    "|BAKED SWEET GOODS|REFRGRATD DOUGH PRODUCTS|COOKIES",
    "Meat": "BEEF|PORK|BACON|HOT DOGS|DINNER SAUSAGE|BREAKFAST SAUSAGE/SANDWICHES|SMOKED MEATS|MEAT - MISC"
    "|FROZEN MEAT",
    "Poultry": "CHICKEN|TURKEY|CHICKEN/POULTRY",
    "Fish and Seafood": "SEAFOOD - FROZEN|SEAFOOD-FRESH|SEAFOOD - MISC|SEAFOOD - SHELF STABLE",
    "Deli": "DELI MEATS|LUNCHMEAT|HEAT/SERVE|PREPARED FOOD|SANDWICHES",
    "Breakfast": "COLD CEREAL|HOT CEREAL|CEREAL/BREAKFAST|CONVENIENT BRKFST/WHLSM SNACKS"
    "|MOLASSES/SYRUP/PANCAKE MIXS",
    "Snacks": "BAG SNACKS|CRACKERS/MISC BKD FD|COOKIES/CONES|WAREHOUSE SNACKS|NUTS|SNACK NUTS",
    "Canned Food and Soup": "SOUP|VEGETABLES - SHELF STABLE|FRUIT - SHELF STABLE|MEAT - SHELF STABLE"
    "|BEANS - CANNED GLASS & MW|OLIVES|PICKLE/RELISH/PKLD VEG|MISCELLANEOUS",
    "Pasta, Rice and Sauces": "DRY NOODLES/PASTA|PASTA SAUCE|DRY BN/VEG/POTATO/RICE|DINNER MXS:DRY|HISPANIC"
    "|DRY SAUCES/GRAVY",
    "Condiments and Oils": "CONDIMENTS/SAUCES|SALD DRSNG/SNDWCH SPRD|SHORTENING/OIL|PNT BTR/JELLY/JAMS"
    "|SPICES & EXTRACTS",
    "Baking": "BAKING MIXES|BAKING NEEDS|FLOUR & MEALS|SUGARS/SWEETNERS|DRY MIX DESSERTS",
    "Frozen Food": "FROZEN PIZZA|FRZN MEAT/MEAT DINNERS|FRZN VEGETABLE/VEG DSH|FRZN POTATOES|FROZEN BREAD/DOUGH"
    "|FRZN BREAKFAST FOODS|FRZN FRUITS|FRZN ICE|FRZN JCE CONC/DRNKS",
    "Ice Cream and Desserts": "ICE CREAM/MILK/SHERBTS|FRZN NOVELTIES/WTR ICE|FROZEN PIE/DESSERTS",
    "Soft Drinks and Water": "SOFT DRINKS|WATER|WATER - CARBONATED/FLVRD DRINK|ISOTONIC DRINKS"
    "|PWDR/CRYSTL DRNK MX",
    "Juice": "REFRGRATD JUICES/DRNKS|CANNED JUICES|JUICE",
    "Coffee, Tea and Cocoa": "COFFEE|TEAS|COCOA MIXES",
    "Beer and Wine": "BEERS/ALES|DOMESTIC WINE|IMPORTED WINE",
    "Household": "FD WRAPS/BAGS/TRSH BG|PAPER HOUSEWARES|BATH TISSUES|PAPER TOWELS|FACIAL TISS/DNR NAPKIN"
    "|LAUNDRY DETERGENTS|LAUNDRY ADDITIVES|DISHWASH DETERGENTS|BLEACH",
    "Pets": "CAT FOOD|DOG FOODS|CAT LITTER",
}
SHELF_OF = {category: shelf for shelf, categories in SHELVES.items() for category in categories.split("|")}

# Types that say little without their category: what follows them in the name.
NOUNS = {
    "BACON": "Bacon", "BEEF": "Beef", "PORK": "Pork", "HOT DOGS": "Hot Dogs", "PASTA SAUCE": "Pasta Sauce",
    "ICE CREAM/MILK/SHERBTS": "Ice Cream", "DINNER SAUSAGE": "Sausage", "SALAD MIX": "Salad",
    "BREAKFAST SAUSAGE/SANDWICHES": "Breakfast Sausage", "HEAT/SERVE": "to Heat",
    "FRUIT - SHELF STABLE": "in a Can", "VEGETABLES - SHELF STABLE": "in a Can",
    "SEAFOOD - SHELF STABLE": "in a Can",
}

# Types the rules below would not make readable.
NAMES = {
    "FLUID MILK WHITE ONLY": "Milk", "FLUID MILK": "Milk", "MISCELLANEOUS MILK": "Specialty Milk",
    "YOGURT NOT MULTI-PACKS": "Yogurt", "YOGURT MULTI-PACKS": "Yogurt Multi-Pack",
    "EGGS - X-LARGE": "Extra Large Eggs", "EGGS - LARGE": "Large Eggs", "EGGS - MEDIUM": "Medium Eggs",
    "EGGS - JUMBO": "Jumbo Eggs", "EGGS SUBSTITUTE": "Egg Substitute", "CARROTS MINI PEELED": "Baby Carrots",
    "CARROTS BAGGED": "Carrots, Bag", "CARROTS - BULK": "Carrots", "POTATOES SWEET&YAMS": "Sweet Potatoes and Yams",
    "TOMATOES HOTHOUSE ON THE VINE": "Tomatoes on the Vine", "TOMATOES HOT HOUSE BULK": "Hothouse Tomatoes",
    "TOMATOES VINE RIPE BULK": "Vine Ripe Tomatoes", "HERBS CILANTO": "Cilantro", "HERBS PARSLEY": "Parsley",
    "GARLIC WHOLE CLOVES": "Garlic", "APPLES GOLD DELICIOUS (BULK&BA": "Golden Delicious Apples",
    "CANTALOUPE WHOLE": "Cantaloupe", "HONEYDEW WHOLE": "Honeydew", "WATERMELON SEEDLESS WHOLE": "Seedless Watermelon",
    "CAULIFLOWER WHOLE": "Cauliflower", "CAN CATFD GOURMET/SUP PREM (GR": "Gourmet Canned Cat Food",
    "HEAD LETTUCE": "Head Lettuce",
    "NOODLES DRY": "Dry Noodles", "MACARONI DRY": "Macaroni", "SPAGHETTI DRY": "Spaghetti",
    "RICE - DRY BAG AND BOX": "Dry Rice", "RICE SIDE DISH MIXES DRY": "Rice Side Dish Mix",
    "IWS SINGLE CHEESE": "Cheese Slices, Wrapped", "NON-IWS SINGLE CHEESE": "Cheese Slices",
    "NATURAL CHEESE EXACT WT CHUNKS": "Cheese Chunk", "NATURAL CHEESE EXACT WT SLICES": "Natural Cheese Slices",
    "LOAF CHEESE": "Cheese Loaf", "MISCELLANEOUS CHEESE": "Specialty Cheese",
    "CHEESE: NATURAL BULK": "Natural Cheese from the Deli", "CHEESE: PROCESSED BULK": "Processed Cheese from the Deli",
    "MAINSTREAM WHITE BREAD": "White Bread", "MAINSTREAM WHEAT/MULTIGRAIN BR": "Wheat and Multigrain Bread",
    "MAIN MEAL BREAD": "Table Bread", "DIET/LIGHT BREAD": "Light Bread", "FRUIT/BREAKFAST BREAD": "Breakfast Bread",
    "MEXICAN SOFT TORTILLAS AND WRA": "Soft Tortillas and Wraps", "ENGLISH MUFFINS/WAFFLES": "English Muffins",
    "SOFT DRINKS 12/18&15PK CAN CAR": "Soft Drink Cans, 12 to 18 Pack",
    "SOFT DRINKS 20PK&24PK CAN CARB": "Soft Drink Cans, 20 or 24 Pack",
    "SOFT DRINKS 6PK/4PK CAN CARB (": "Soft Drink Cans, 4 or 6 Pack",
    "SFT DRNK 2 LITER BTL CARB INCL": "Soft Drink, Large Bottle",
    "SFT DRNK MLT-PK BTL CARB (EXCP": "Soft Drink Bottles, Multi-Pack",
    "SFT DRNK SNGL SRV BTL CARB (EX": "Soft Drink, Single Bottle",
    "SOFT DRINK BOTTLE NON-CARB (EX": "Still Drink, Bottle", "SOFT DRINKS CAN NON-CARB (EXCE": "Still Drink, Can",
    "SOFT DRINK POWDER POUCHES": "Drink Mix Pouch", "INSTANT COFFEE FLAVORED NO SWE": "Flavored Instant Coffee",
    "TEA CAN WITH SWEETENER/SUGAR": "Sweetened Tea, Can", "TEA SWEETENED": "Sweetened Tea",
    "NON-CARB WATER FLVR - DRNK/MNR": "Flavored Water", "NON-CARB FLVRD DRNKNG/MNRL WAT": "Flavored Water",
    "NON-CRBNTD DRNKING/MNERAL WATE": "Drinking Water", "FORTIFIED/ENERGY WATER": "Fortified Water",
    "ISOTONIC DRINKS SINGLE SERVE": "Sports Drink", "ISOTONIC DRINKS MULTI-SERVE": "Sports Drink, Multi-Pack",
    "DAIRY CASE 100% PURE JUICE - O": "Orange Juice, Chilled", "DAIRY CASE 100% PURE JUICE OTH": "Fruit Juice, Chilled",
    "DAIRY CASE CITRUS PNCH/OJ SUBS": "Citrus Punch, Chilled", "DAIRY CASE FRUIT DRINKS (NO JU": "Fruit Drink, Chilled",
    "DAIRY CASE JUICE DRNK UNDER 10": "Juice Drink, Chilled", "DAIRY CASE TEA WITH SUGAR OR S": "Sweetened Tea, Chilled",
    "ASEPTIC PACK JUICE AND DRINKS": "Juice Boxes", "BLENDED JUICE&COMBINATIONS (OV": "Juice Blend",
    "CRANAPPLE CRAN GRAPE JUICE (5": "Cranberry Blend Juice", "FRUIT DRINKS: CANNED & GLASS (": "Fruit Drink",
    "VEG JUICE (EXCEPT TOMATO) (OVE": "Vegetable Juice", "JUICE (UNDER 10% JUICE)": "Juice Drink",
    "FRZN OJ&OJ SUBSTITUTES (OVER 5": "Frozen Orange Juice", "FRZN CONC UNDER 50% JUICE": "Frozen Juice Concentrate",
    "BEERALEMALT LIQUORS": "Beer", "PREMIUM 750ML WINES": "Premium Wine", "SOUTH AMERICAN WINES": "South American Wine",
    "SGL SV/VEND MACH SNACKS CHIP/P": "Chips, Single Serve", "MISC BAG SNACKS": "Bagged Snacks",
    "MULT PK BAG SNACKS": "Bagged Snacks, Multi-Pack", "BAGGED POPPED POPCORN": "Popcorn",
    "BAGGED CHEESE SNACKS": "Cheese Snacks", "DIPS (NON-REFRIGERATED)": "Chip Dip", "REFRIG DIPS": "Chilled Dip",
    "CANISTER POTATO/TORT CHIPS": "Potato Chips, Canister", "MISC SNACKS": "Snack Mix",
    "TORTILLA/NACHO CHIPS": "Tortilla Chips", "VAC PAC NUTS(CANS)": "Nuts, Canned",
    "SNACK CAKE - MULTI PACK": "Snack Cakes, Multi-Pack", "SWEET GOODS - FULL SIZE": "Sweet Rolls and Cakes",
    "SW GDS:DONUTS": "Donuts", "SW GDS:COFFEE CAKES": "Coffee Cake", "SW GDS: SW ROLLS/DAN": "Sweet Rolls and Danish",
    "SW GDS: PUFF PASTRY-LESS THAN": "Puff Pastry", "CAKES: ANGEL FDS/CKE ROLLS": "Angel Food Cake",
    "CAKES: NOVELTIES": "Novelty Cake", "PIES: FRUIT/NUT": "Fruit Pie", "PIES: PUMPKIN/CUSTARD": "Pumpkin Pie",
    "BREAD:ITALIAN/FRENCH": "Italian and French Bread", "BREAD:SAVORY/SPECIALTY": "Specialty Bread",
    "ROLLS: BAGELS": "Bagels from the Bakery", "ROLLS: CROISSANTS/BREADSTICKS": "Croissants and Breadsticks",
    "ROLLS: DINNER": "Dinner Rolls from the Bakery", "ROLLS: SANDWICH": "Sandwich Rolls", "COOKIES: REGULAR": "Bakery Cookies",
    "ADULT CEREAL": "Cereal for Adults", "ALL FAMILY CEREAL": "Family Cereal", "KIDS CEREAL": "Cereal for Kids",
    "CEREAL - COLD": "Cold Cereal", "TREATS": "Cereal Treats",
    "FRZN SS PREMIUM ENTREES/DNRS/N": "Premium Frozen Meal", "FRZN SS PREMIUM ENTREES/DNRS/T": "Premium Frozen Meal",
    "SS ECONOMY ENTREES/DINNERS ALL": "Economy Frozen Dinner", "FRZN MULTI SERVE ENTREES ALL": "Frozen Family Entree",
    "FRZN BREADED PREPARED CHICK": "Frozen Breaded Chicken", "FRZN BURGERS/BBQ/MEATBALL": "Frozen Burgers and Meatballs",
    "SANDWICHES&HANDHELDS": "Frozen Sandwiches", "SNACKS/APPETIZERS": "Frozen Appetizers", "PIZZA/ECONOMY": "Economy Pizza",
    "PIZZA/PREMIUM": "Premium Pizza", "PIZZA/TRADITIONAL": "Traditional Pizza", "BURRITOS": "Burritos",
    "FRZN BAGGED VEGETABLES - PLAIN": "Frozen Vegetables, Bag", "FRZN BOXED VEGETABLES - PLAIN": "Frozen Vegetables, Box",
    "FRZN BAGGED VEGETABLES- VALUE": "Frozen Vegetable Dish, Bag", "FRZN BOXED VEGETABLES- VALUE A": "Frozen Vegetable Dish, Box",
    "FRZN TATER TOTS/OTHER EXTRUDED": "Frozen Tater Tots", "FRZN GARLIC BREAD/TOAST/STICKS": "Frozen Garlic Bread",
    "WAFFLES/PANCAKES/FRENCH TOAST": "Frozen Waffles and Pancakes", "ICE - CRUSHED/CUBED": "Ice Cubes",
    "STICKS/ENROBED": "Ice Cream Bars", "WATER ICE": "Water Ice", "CONES": "Ice Cream Cones", "PAILS": "Pail of",
    "PREP FD: PIZZA (COLD)": "Take-and-Bake Pizza", "PREP FD: SIDE DISHES (HOT)": "Hot Side Dish",
    "CHIX: BAKED 8PC CUT UP (HOT)": "Baked Chicken, 8 Pieces", "CHIX: CHICKEN DINNERS/SNACKS H": "Hot Chicken Dinner",
    "CHIX: ROTISSERIE (HOT)": "Rotisserie Chicken", "CHIX: VALUE ADDED (HOT)": "Hot Chicken",
    "CHIX:FRD 8PC/CUT UP (HOT)": "Fried Chicken, 8 Pieces", "INTERNAL": "Chicken Giblets",
    "WHOLE CHICKEN (ROASTERS/FRYER)": "Whole Chicken", "CHICKEN-FULLY COOKED": "Cooked Chicken",
    "BREAST - BONELESS(IQF)": "Frozen Chicken Breast", "WINGS (IQF)": "Frozen Chicken Wings",
    "GRND/PATTY - FROZEN": "Frozen Ground Meat Patties", "NON-MEATS - OTHER": "Meat Alternative",
    "MEAT: BEEF BULK": "Roast Beef from the Deli", "MEAT: LUNCHMEAT BULK": "Lunch Meat from the Deli",
    "MEAT: SAUS DRY BULK": "Dry Sausage from the Deli", "MEAT: TURKEY BULK": "Turkey from the Deli",
    "MEAT:HAM BULK": "Ham from the Deli", "LUNCH COMBO": "Lunch Kit", "POULTRY": "Poultry Lunch Meat",
    "HAM- NET WEIGHT": "Ham, Packed", "LOAVE": "Lunch Meat Loaf", "VARIETY PACK": "Lunch Meat Variety Pack",
    "PEPPERONI/SALAMI": "Pepperoni and Salami", "MISCELLANEOUS": "Specialty Lunch Meat", "PATTIES": "Patties of",
    "SOUP/STEW": "Stewing", "RIBS": "Ribs of", "BUTTS": "Butt of", "STIR FRY/STRIPS/FAJITAS": "Stir Fry",
    "LINKS - RAW": "Raw Link", "PATTIES - RAW": "Raw Patty", "ROLLS - PORK": "Pork Roll", "OTHER": "Other",
    "ROLLS - FLAVORED/OTHER": "Flavored Roll", "SMOKED/COOKED": "Smoked", "SMOKED/COOKED - BEEF": "Smoked Beef",
    "SMOKED/COOKED - BETTER FOR YOU": "Light Smoked", "BETTER FOR YOU": "Light", "FLAVORED/OTHER": "Flavored",
    "SANDWICHES/BISCUITS/GRAVY": "Biscuit and Sandwich", "COCKTAILS": "Cocktail", "ECONOMY - MEAT": "Economy",
    "PREMIUM - BEEF": "Premium Beef", "PREMIUM - MEAT": "Premium", "KOSHER/SPECIALTY": "Kosher",
    "CHOICE BEEF": "Choice", "SELECT BEEF": "Select", "NATURAL BEEF": "Natural", "GROUND PORK": "Ground",
    "STUFFED/MIXED BEEF": "Stuffed", "CUBED MEATS": "Cubed", "PRIMAL": "Primal Cut", "ENHANCED": "Enhanced",
    "SANDWICHES - (COLD)": "Cold Sandwich", "BLENDS": "Blended", "GARDEN PLUS": "Garden Plus", "KITS": "Kit for",
    "REGULAR GARDEN": "Garden", "SALAD SPINACH": "Spinach", "PREMIUM PINTS": "Premium Pint of",
    "SUPER PREMIUM PINTS": "Super Premium Pint of", "MAINSTREAM": "Classic", "VALUE": "Value",
    "VEGETABLE SALADS - PREPACK": "Vegetable Salad, Packed", "PASTA/GRAIN SALADS - PREPACK": "Pasta Salad, Packed",
    "SAL:OLIVES/PICKLES-BULK": "Olives and Pickles from the Deli", "SALAD BAR FRESH FRUIT": "Salad Bar Fruit",
    "INSTORE CUT FRUIT": "Cut Fruit", "BROCCOLI WHOLE&CROWNS": "Broccoli", "VEGETABLES ALL OTHER": "Vegetables, Other",
    "PEPPERS ALL OTHER": "Peppers, Other", "MUSHROOMS W/WHOLE PKG": "White Mushrooms, Whole",
    "MUSHROOMS WHITE SLICED PKG": "White Mushrooms, Sliced", "TOMATOES VINE RIPE PKG": "Vine Ripe Tomatoes, Packed",
    "TOMATOES: STEWED/DICED/CRMD": "Diced Tomatoes", "BEANS GREEN: FS/WHL/CUT": "Green Beans", "PEAS GREEN": "Green Peas",
    "MUSHROOMS CND & GLASS": "Mushrooms", "KRAUT & CABBAGE": "Sauerkraut", "MISCELLANEOUS VEGETABLES": "Mixed Vegetables",
    "MANDARIN ORANGES/CITRUS SECT": "Mandarin Oranges", "FRUIT COCKTAIL FRUIT SALAD": "Fruit Cocktail",
    "FRUIT BOWL AND CUPS": "Fruit Cups", "RTS SOUP: CHUNKY/HOMESTYLE ET": "Ready Soup", "RAMEN NOODLES/RAMEN CUPS": "Ramen Noodles",
    "CHILI: CANNED": "Canned Chili", "PASTA: CANNED": "Canned Pasta", "CHUNK MEATS - ALL": "Canned Meat",
    "MICROWAVABLE CUPS": "Microwave Meal Cup", "PREPARED BEANS - BAKED W/PORK": "Baked Beans",
    "VARIETY BEANS - KIDNEY PINTO": "Kidney and Pinto Beans", "MACARONI & CHEESE DNRS": "Macaroni and Cheese",
    "MICROWAVE": "Microwave Dinner Mix", "POTATOES: DRY": "Instant Potatoes", "DRY BEANS/PEAS/BARLEY: BAG & B": "Dry Beans",
    "MEXICAN SAUCESSALSAPICANTEE": "Salsa", "MEXICAN TACO TOSTADO SHELLS": "Taco Shells", "MEXICAN PEPPERS CHILIES": "Chilies",
    "SAUCE MIXES GRAVY MIXES DRY": "Sauce and Gravy Mix", "GRAVY CAN/GLASS": "Gravy",
    "SEMI-SOLID SALAD DRESSING MAY": "Mayonnaise", "POURABLE SALAD DRESSINGS": "Salad Dressing",
    "SANDWICH SAUCE HORSERADISH SA": "Horseradish Sauce", "CATSUP": "Ketchup", "SALAD MUSTARD": "Mustard",
    "HOT MUSTARD/SPECIALTY MUSTAR": "Specialty Mustard", "STEAK & WORCHESTER SAUCE": "Steak Sauce",
    "VINEGAR ALL-EXCEPT WINE/RIC": "Vinegar", "TABLE SALT POPCORN SALTICE C": "Salt",
    "BUTTER SPRAY CRACKER (RITZ/CLU": "Butter Crackers", "CHEESE CRACKERS (CHEEZ-ITS/GOL": "Cheese Crackers",
    "SOUP CRACKERS (SALTINE/OYSTER)": "Soup Crackers", "CROUTONS SALAD TOPPERS BREAD": "Croutons",
    "TRAY PACK/CHOC CHIP COOKIES": "Chocolate Chip Cookies", "VANILLA WAFER/KIDS COOKIES": "Vanilla Wafers",
    "VENDOR SIZE/SINGLE SERVE COOKI": "Cookies, Single Serve", "MALTED MLK/SYRUP/PWDRS (EGGNOG": "Malted Milk and Syrup",
    "MARGARINE  STICK": "Margarine Sticks", "MARGARINE: TUBS AND BOWLS": "Margarine, Tub", "MARGARINE: SQUEEZE": "Margarine, Squeeze Bottle",
    "REFRIGERATED SPECILATY ROLLS": "Chilled Roll Dough", "REFRIGERATED BISCUITS REGULAR": "Chilled Biscuit Dough",
    "REFRIGERATED COOKIES-CHUB": "Chilled Cookie Dough", "MISC REFRIG DOUGH PRODUCTS": "Chilled Dough",
    "MISC DAIRY REFIGERATED": "Chilled Dairy Product", "REFRIGERATED MEXICAN PRODUCTS": "Chilled Mexican Food",
    "PUDDING&GELATIN CUPS/CANS": "Pudding and Gelatin Cups", "FLOUR: WHITE & SELF RISING": "Flour",
    "BREADINGS  COATINGS CRUMBS": "Breading and Crumbs", "BITS & MORSELS": "Chocolate Morsels",
    "SEAFOOD-FRE-CATFISH": "Catfish", "SEAFOOD-FRE-SALMON": "Salmon", "SEAFOOD-FRE-RAW FINFISH-OTHER": "Fresh Fish",
    "SEAFOOD-FRZ-IQF RAW SHRIMP RW": "Frozen Raw Shrimp", "SEAFOOD-FRZ-RAW FILLETS": "Frozen Fish Fillets",
    "SEAFOOD-FRZ-RW-ALL": "Frozen Seafood", "SEAFOOD-MISC-BREADERS/BTR MIX": "Seafood Breading Mix",
    "CANNED CAT FOOD (9 LIVES/FRISK": "Canned Cat Food", "DRY CAT FOOD (CAT CHOW/FRISKIE": "Dry Cat Food",
    "DRY CAT FOOD ECONOMY (COST CUT": "Economy Dry Cat Food", "CAN DOG FOOD (SKIPPY/PEDIGREE/": "Canned Dog Food",
    "CONVENTIONAL LITTER": "Cat Litter", "PLSTC CTLRYTBLCLTHSTTHPKSST": "Plastic Cutlery",
    "PLASTIC/HEAVY PAPER PREM PLATE": "Sturdy Plates", "DESIGNER PAPER: MEDIUM WEIGHT": "Paper Plates, Printed",
    "GARBAGE KITCHEN COMPACTOR BA": "Kitchen Trash Bags", "PLASTIC WRAP (SARANETC.)": "Plastic Wrap",
    "FACIAL TISSUE & PAPER HANDKE": "Facial Tissue", "PAPER TOWELS & HOLDERS": "Paper Towels", "DRY": "Dry Cured",
    "DIPS": "Vegetable Dip", "PROCESSED OTHER": "Prepared Produce", "TEA BAGS & BULK TEA": "Tea Bags",
    "MIXERS(CLUB SODA/SELTZERS)FLAV": "Club Soda and Seltzer", "MIXERS(TONIC WTR/CLUB SODA/GNG": "Tonic Water",
    "SMOKED OFFAL": "Smoked Meat Cuts", "CONDIMENTS/SUPPLIES": "Salad Bar Toppings", "SOUPS": "Salad Bar Soup",
    "ENTREES": "Entree", "FRESH": "Fresh", "RED": "Red", "GREENS": "Leafy Greens", "VARIETY LETTUCE": "Leaf Lettuce",
    "PEACHES YELLOW FLESH": "Yellow Peaches", "NECTARINES YELLOW FLESH": "Yellow Nectarines",
    "PINEAPPLE WHOLE&PEEL/CORED": "Whole Pineapple", "ORANGES NAVELS ALL": "Navel Oranges",
}
# Produce is named "ONIONS SWEET" in the source and "Sweet Onions" by shoppers.
PRODUCE = {"APPLES", "CORN", "GRAPES", "MUSHROOMS", "ONIONS", "ORANGES", "PEARS", "PEPPERS", "POTATOES", "TOMATOES"}
NOT_PRODUCTS = {"MISC SALES TRANS", "PRODUCE DISCONTINUED ITEMS"}
NUTRIENTS = {
    "energy_kcal": "energy_kcal", "protein_g": "protein_g", "fat_g": "fat_g", "saturated_fat_g": "saturated_fat_g",
    "carbohydrate_g": "carbohydrate_g", "sugars_g": "sugars_g", "fibre_g": "fiber_g", "sodium_mg": "sodium_mg",
}


def main(source, target):
    grocery = source / "grocery"
    products = {row["product_id"]: row for row in rows(grocery / "products.csv.gz") if is_product(row)}
    lines = [row for row in rows(grocery / "transactions.csv.gz") if row["product_id"] in products]
    window = [row for row in lines if row["ts"] >= FIRST_DAY and float(row["sales_value"]) > 0]
    households = most_regular(window)
    window = [row for row in window if row["household_id"] in households]
    sold = collections.Counter(row["product_id"] for row in window)
    popular = [product for product, _ in sorted(sold.items(), key=lambda item: (-item[1], item[0]))][:PRODUCT_COUNT]
    write(target / "products.csv.gz", product_rows(popular, products, prices(window)))
    write(target / "customers.csv.gz", customer_rows(households))
    write(target / "interactions.csv.gz", interaction_rows(window, set(popular)))
    write(target / "foods.csv.gz", food_rows(source / "foods" / "foods.csv.gz"))
    write(target / "market_sales.csv.gz", market_rows(source / "pizzaplace" / "pizzaplace.csv.gz"))


def rows(path):
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def is_product(row):
    return row["product_type"] not in NOT_PRODUCTS and row["product_category"] in SHELF_OF


def most_regular(lines):
    """The households with most days of shopping, and of these the ones who buy most."""
    days = collections.defaultdict(set)
    count = collections.Counter()
    for row in lines:
        days[row["household_id"]].add(row["ts"][:10])
        count[row["household_id"]] += 1
    order = sorted(days, key=lambda household: (-len(days[household]), -count[household], household))
    return set(order[:HOUSEHOLD_COUNT])


def prices(lines):
    """What one piece was paid for, the median over all lines."""
    paid = collections.defaultdict(list)
    for row in lines:
        paid[row["product_id"]].append(float(row["sales_value"]) / max(int(row["quantity"]), 1))
    return {product: statistics.median(values) for product, values in paid.items()}


def readable(row):
    kind, category = row["product_type"], row["product_category"]
    name = NAMES.get(kind)
    if name is None:
        plain = re.sub(r"\(.*", "", kind)
        first, _, rest = plain.strip().partition(" ")
        if row["department"] == "PRODUCE" and first in PRODUCE and rest:
            plain = f"{rest} {first}"
        plain = re.sub(r"^FRZN\b", "FROZEN", plain)
        plain = re.sub(r"\s*&\s*", " and ", plain).replace("/", " and ")
        plain = re.sub(r"\bW\b|\bPKG\b|- ALL$", "", plain)
        name = " ".join(word if word == "and" else word.capitalize() for word in re.sub(r"\bAND\b|-", lambda found: found[0].lower().replace("-", " "), plain).split())
    noun = NOUNS.get(category)
    if noun and noun.split()[-1].lower() not in name.lower():
        name = f"{name} {noun}"
    if row["brand"] == "Private":
        name = f"Store Brand {name}"
    size = size_of(row)
    return f"{name}, {size}" if size else name


def size_of(row):
    size = " ".join(row["package_size"].split())
    size = re.sub(r"^\(\d+\)\s*|^[A-Z] (?=[\d.])", "", size)
    size = re.sub(r"\bGA\b", "GAL", size)
    weighed_in_a_crate = row["department"] == "PRODUCE" and re.fullmatch(r"[\d.-]+ (LB|CT)", size)
    if weighed_in_a_crate and float(re.split(r"[ -]", size)[0]) > 10:
        return ""  # the crate the shop buys, not what a customer takes home
    return size


def product_rows(popular, products, price_of):
    yield ["product_id", "name", "category", "brand", "price", "currency", "in_stock", "package_size"]
    seen = collections.Counter()
    named = {}
    for product in popular:
        name = readable(products[product])
        seen[name] += 1
        named[product] = name if seen[name] == 1 else f"{name}, Variety {seen[name]}"
    for product in sorted(popular, key=int):
        row = products[product]
        brand = "Store Brand" if row["brand"] == "Private" else f"Maker {row['manufacturer_id']}"
        price = f"{max(price_of[product], 0.01):.2f}"
        shelf = SHELF_OF[row["product_category"]]
        yield [product, named[product], shelf, brand, price, "USD", "true", size_of(row)]


def customer_rows(households):
    yield ["customer_id", "name"]
    for household in sorted(households, key=int):
        yield [f"household-{household}", f"Household {household}"]


def interaction_rows(lines, popular):
    header = ["event_id", "customer_id", "product_id", "kind", "quantity", "amount", "currency", "occurred_at"]
    yield header
    together = {}
    for row in lines:
        if row["product_id"] in popular:
            key = (row["ts"], int(row["household_id"]), int(row["product_id"]))
            quantity, amount = together.get(key, (0, 0.0))
            together[key] = (quantity + max(int(row["quantity"]), 1), amount + float(row["sales_value"]))
    for number, (key, (quantity, amount)) in enumerate(sorted(together.items()), start=1):
        minute, household, product = key
        at = f"{minute[:10]}T{minute[11:]}:00Z"
        customer = f"household-{household}"
        yield [f"demo-{number}", customer, product, "INTERACTION_KIND_PURCHASE", quantity, f"{amount:.2f}", "USD", at]


def food_rows(path):
    yield ["product_id", "name", "category", *NUTRIENTS]
    for row in rows(path):
        category = row["category"].replace("Not included in a food category", "")
        yield [f"usda-{row['food_id']}", row["name"], category, *(row[name] for name in NUTRIENTS.values())]


# A stand sells from 11 to 22 o'clock, on Saturdays at one market and on Wednesdays at another.
STANDS = {5: "old-town", 2: "station"}
STAND_HOURS = range(11, 22)
STAND_PIZZAS = (
    "classic_dlx", "bbq_ckn", "hawaiian", "pepperoni", "thai_ckn", "four_cheese",
    "veggie_veg", "the_greek", "five_cheese", "green_garden", "mediterraneo", "brie_carre",
)


def market_rows(path):
    """What a pizza stand with two markets sold in a year: by market, day, minute and pizza."""
    sold = collections.Counter()
    paid = collections.Counter()
    for row in rows(path):
        day = datetime.date.fromisoformat(row["date"])
        hour, minute = (int(part) for part in row["time"].split(":")[:2])
        if day.weekday() not in STANDS or hour not in STAND_HOURS or row["name"] not in STAND_PIZZAS:
            continue
        key = (STANDS[day.weekday()], row["date"], hour * 60 + minute, row["name"])
        sold[key] += 1
        paid[key] += decimal.Decimal(row["price"])
    yield ["sale_id", "market_id", "date", "minute", "product_id", "quantity", "amount"]
    for number, key in enumerate(sorted(sold), start=1):
        market, date, minute, name = key
        product = "pizza-" + name.replace("_", "-")
        yield [f"stand-{number}", market, date, minute, product, sold[key], f"{paid[key]:.2f}"]


def write(path, table):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(table)
    path.write_bytes(gzip.compress(text.getvalue().encode(), compresslevel=9, mtime=0))
    print(f"{path.name}: {text.getvalue().count(chr(10)) - 1} rows, {path.stat().st_size} bytes")


if __name__ == "__main__":
    here = pathlib.Path(__file__).resolve().parent
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else here)
